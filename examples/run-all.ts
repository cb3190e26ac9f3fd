// `npm run examples`: every example once, as a process of its own, against one sandbox. Fails if one fails.
import { spawnSync } from 'node:child_process';
import { createMoovSandbox } from 'express-moov-auth/sandbox';
import { instrumentation, Program } from './program.js';

const sandbox = createMoovSandbox();
const environment = {
  MOOV_BASE_URL: await sandbox.listen(),
  MOOV_CLIENT_ID: sandbox.credentials.clientId,
  MOOV_CLIENT_SECRET: sandbox.credentials.clientSecret,
  MOOV_ORIGIN: sandbox.origins[0] ?? '',
};
const account = `/accounts/${sandbox.platformAccountID}`;

try {
  await runs('demo.ts');
  await runs('payment.ts');
  if (hasRedis()) await runs('fleet/demo.ts');
  else console.log('skipped fleet/demo.ts: redis-server is missing');
  await runs('app-with-tests/app.test.ts', ['--test']);
  await runs('app-with-tests/mock-agent.test.ts', ['--test']);
  await runs('webhooks/app.test.ts', ['--test']);
  await serves('minimal.ts', environment, account, 200);
  await serves('commonjs.cjs', environment, account, 200);
  await serves('metrics.ts', environment, '/metrics', 200);
  await serves('tracing/server.ts', environment, account, 200, ['--import', instrumentation]);
  await serves('server.ts', environment, account, 200);
  await serves('server.ts', {}, '/health', 200);
  await serves('browser/server.ts', {}, '/sign-in', 200);
} finally {
  await sandbox.close();
}

/** In CI it must be there. */
function hasRedis(): boolean {
  return Boolean(process.env.CI) || spawnSync('redis-server', ['--version']).status === 0;
}

/** An example that ends by itself. */
async function runs(file: string, flags: string[] = []): Promise<void> {
  const program = new Program(file, {}, flags);
  const end = await program.ended;
  report(file, end === 0, `ended with ${end}`, program);
}

/** An example that serves until it is stopped. */
async function serves(
  file: string,
  env: Record<string, string>,
  path: string,
  expected: number,
  flags: string[] = [],
): Promise<void> {
  const program = new Program(file, { ...env, PORT: '0' }, flags);
  try {
    const { status } = await fetch((await program.url()) + path);
    report(file, status === expected, `GET ${path} answered ${status}`, program);
  } finally {
    await program.stop();
  }
}

function report(file: string, good: boolean, what: string, program: Program): void {
  console.log(`${good ? 'ok    ' : 'FAILED'}  ${file}: ${what}`);
  if (good) return;
  process.exitCode = 1;
  console.error(program.output);
}
