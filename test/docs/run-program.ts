import { type ChildProcess, fork } from 'node:child_process';
import { demoSeed } from '../../src/cli/sandbox.js';
import { createMoovSandbox } from '../../src/sandbox/index.js';
import type { BlockProgram } from './block-program.js';
import { root } from './markdown.js';

const LIMIT_MS = 40_000;
const tellPort = new URL('tell-port.mjs', import.meta.url).href;

type End = { code: number | string | null };

/**
 * Runs a program against its own sandbox, with what the command `sandbox` begins with: to its end, or, if it is a server, until it has answered and was asked to stop.
 *
 * @throws Error with what it printed, when it failed or did not answer as its page says.
 */
export async function runProgram(
  program: BlockProgram,
  file: string,
  env: Record<string, string>,
): Promise<void> {
  const sandbox = createMoovSandbox({ seed: demoSeed });
  await sandbox.listen();
  const { clientId, clientSecret, origin = '', baseURL } = sandbox.options;
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MOOV_'));
  const child = fork(file, {
    cwd: root,
    execArgv: ['--import', tellPort],
    silent: true,
    env: {
      ...Object.fromEntries(inherited),
      MOOV_CLIENT_ID: clientId,
      MOOV_CLIENT_SECRET: clientSecret,
      MOOV_ORIGIN: origin,
      MOOV_BASE_URL: baseURL,
      MOOV_ACCOUNT_ID: sandbox.platformAccountID,
      MOOV_WEBHOOK_SECRET: sandbox.webhookSecret,
      MOOV_TOKEN_KEY: Buffer.alloc(32, 7).toString('base64'),
      // Never use a Redis that happens to run on this machine.
      REDIS_URL: 'redis://127.0.0.1:1',
      PORT: '0',
      ...env,
    },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const ended = new Promise<End>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: code ?? signal }));
  });
  try {
    if (program.answers.length > 0) await askAndStop(child, program, ended);
    const { code } = await ended;
    const good = program.answers.length > 0 && !program.stops ? 'SIGTERM' : 0;
    if (code !== good) throw new Error(`It ended with ${code}`);
    const { tokensMinted, tokensRevoked } = sandbox.stats;
    if (program.leavesNoToken && (tokensMinted === 0 || tokensRevoked < tokensMinted))
      throw new Error(`It revoked ${tokensRevoked} of ${tokensMinted} tokens`);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}. It printed:\n${output}`);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    await sandbox.close();
  }
}

async function askAndStop(
  child: ChildProcess,
  { answers }: BlockProgram,
  ended: Promise<End>,
): Promise<void> {
  const listening = new Promise<{ port: number }>((resolve) => {
    child.once('message', (address: { port: number }) => resolve(address));
  });
  const first = await Promise.race([listening, ended]);
  if (!('port' in first)) throw new Error('It ended before it listened');
  for (const { method, path, status } of answers) {
    const reply = await fetch(`http://127.0.0.1:${first.port}${path}`, { method });
    if (reply.status !== status)
      throw new Error(`${method} ${path} answered ${reply.status} ${await reply.text()}`);
    await reply.body?.cancel();
  }
  child.kill('SIGTERM');
}
