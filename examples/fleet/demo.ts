// `npm run demo:fleet`: four server processes, one Redis, and the token requests that a sandbox in place of Moov gets
// from all of them. Starts its own redis-server. Nothing leaves this machine. Exits with 0 only if every line marked
// "ok" was verified.
import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createMoovSandbox } from 'express-moov-auth/sandbox';
import { Program } from '../program.js';

const SERVERS = 4;
const sandbox = createMoovSandbox({ tokenLifeSeconds: 3, expiresIn: 'seconds' });
const baseURL = await sandbox.listen();
const redis = await startRedis();
const adminKey = randomUUID();
const env = {
  MOOV_BASE_URL: baseURL,
  MOOV_CLIENT_ID: sandbox.credentials.clientId,
  MOOV_CLIENT_SECRET: sandbox.credentials.clientSecret,
  MOOV_ORIGIN: sandbox.origins[0] ?? '',
  MOOV_TOKEN_KEY: randomBytes(32).toString('base64'),
  REDIS_URL: redis.url,
  ADMIN_KEY: adminKey,
};
const fleet = Array.from({ length: SERVERS }, () => new Program('fleet/server.ts', env));

try {
  const urls = await Promise.all(fleet.map((server) => server.url()));
  console.log(`${SERVERS} server processes: ${urls.join(', ')}; one Redis: ${redis.url}.`);

  step('All start, and each calls Moov');
  await callAll(urls);
  check('one token request for all of them', tokenRequests() === 1);

  step('10 s of calls; the token lives 3 s');
  const began = performance.now();
  let calls = 0;
  while (performance.now() - began < 10_000) {
    await callAll(urls);
    calls += urls.length;
    await setTimeout(50);
  }
  const renewals = tokenRequests() - 1;
  console.log(
    `   ${calls} calls, ${renewals} renewals; each process for itself would have made ${renewals * SERVERS}`,
  );
  check('as many renewals as one process makes', renewals >= 3 && renewals <= 5);

  step('One process revokes');
  const before = tokenRequests();
  const response = await fetch(`${urls[0]}/oauth/revoke`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}` },
  });
  check(`POST ${urls[0]}/oauth/revoke answered ${response.status}`, response.status === 200);
  check('Moov has been told', sandbox.stats.tokensRevoked >= 1);
  const refused = sandbox.stats.unauthorized;
  await callAll(urls);
  check('the others have dropped it: no call was answered with 401', sandbox.stats.unauthorized === refused);
  check('one token request for the next one, by whoever came first', tokenRequests() - before === 1);
} catch (error) {
  process.exitCode = 1;
  console.error(error, ...fleet.map(({ output }) => output));
} finally {
  await Promise.all(fleet.map((server) => server.stop()));
  await redis.stop();
  await sandbox.close();
}

function tokenRequests(): number {
  return sandbox.stats.tokenRequests;
}

async function callAll(urls: readonly string[]): Promise<void> {
  const replies = await Promise.all(urls.map((url) => fetch(`${url}/ping`)));
  const failed = replies.filter(({ status }) => status !== 200);
  if (failed.length > 0)
    throw new Error(`${failed.length} calls failed: ${failed.map(({ status }) => status)}`);
}

function step(title: string): void {
  console.log(`\n${title}`);
}

function check(what: string, good: boolean): void {
  console.log(`   ${good ? 'ok' : 'NOT SO'}  ${what}`);
  if (!good) process.exitCode = 1;
}

/** The demo's own Redis, which stores nothing on disk. */
async function startRedis(): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'fleet-'));
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', ''];
  const child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.once('error', () => {
    console.error('redis-server is needed: apt-get install redis-server, or brew install redis.');
    process.exit(1);
  });
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    if (String(chunk).includes('Ready to accept connections')) break;
  }
  child.stdout.resume();
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
