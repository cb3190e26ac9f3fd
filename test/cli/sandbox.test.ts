import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { main } from '../../src/cli/main.js';
import { moovAuth } from '../../src/index.js';
import { serve } from '../helpers/http-server.js';
import { run, start as startProcess } from './helpers.js';

/** Runs the command until the test ends it. */
async function start(...args: string[]) {
  const ending = new AbortController();
  const io = { stdout: '', stderr: '' };
  const ended = main(['sandbox', '--port', '0', ...args], {
    stdout: { write: (text) => (io.stdout += text) },
    stderr: { write: (text) => (io.stderr += text) },
    env: {},
    signal: ending.signal,
  });
  onTestFinished(async () => {
    ending.abort();
    await ended;
  });
  await expect.poll(() => io.stdout, { timeout: 20_000 }).toContain('Ctrl+C stops it.');
  const env = Object.fromEntries(
    [...io.stdout.matchAll(/export (\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  return { io, env, ended, stop: () => ending.abort() };
}

function seedFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'seed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'seed.json');
  writeFileSync(file, text);
  return file;
}

test('prints the variables of a server that uses it, then a line for each request, and frees its port', async () => {
  const { io, env, ended, stop } = await start();
  const { MOOV_BASE_URL: baseURL, MOOV_CLIENT_ID: clientId, MOOV_CLIENT_SECRET: clientSecret } = env;
  const moov = moovAuth('/accounts.read', { baseURL, clientId, clientSecret, origin: env.MOOV_ORIGIN });
  onTestFinished(() => moov.close());
  await moov.client.get(`/accounts/${env.MOOV_ACCOUNT_ID}`);
  await moov.client.get('/ping').catch(() => undefined);
  const token = (await moov.accessToken()).slice(-4);
  const lines = io.stdout.slice(io.stdout.indexOf('stops it.')).trim().split('\n').slice(2);
  expect(lines).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d POST \/oauth2\/token 200, API key$/),
    expect.stringMatching(
      new RegExp(`^\\S+ GET /accounts/\\S+ 200, account "Sandbox Platform", token …${token}$`),
    ),
    expect.stringMatching(
      new RegExp(`^\\S+ GET /ping 403, the token lacks the scope /ping.read, token …${token}$`),
    ),
  ]);
  stop();
  expect(await ended).toBe(0);
  await expect(fetch(String(baseURL))).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
});

test('--rate-limit and --seed', async () => {
  const seed = JSON.stringify({ accounts: [{ name: 'Ada Lovelace', foreignID: 'user-1' }] });
  const { env } = await start('--rate-limit', '1', '--seed', seedFile(seed));
  const authorization = `Basic ${btoa(`${env.MOOV_CLIENT_ID}:${env.MOOV_CLIENT_SECRET}`)}`;
  const get = () => fetch(`${env.MOOV_BASE_URL}/accounts?foreignID=user-1`, { headers: { authorization } });
  expect(await (await get()).json()).toMatchObject([{ displayName: 'Ada Lovelace' }]);
  expect((await get()).status).toBe(429);
});

test('a taken port says how to choose another', async () => {
  const { port } = new URL((await serve({})).url);
  const { status, stderr } = await run(['sandbox', '--port', port]);
  expect(status).toBe(1);
  expect(stderr).toBe(
    `express-moov-auth sandbox: port ${port} is taken. Choose another one with --port, or --port 0 for any that is free.\n`,
  );
});

test.each([
  [['--port', 'x'], '--port: expected a whole number, from 0 to 65535.'],
  [['--port', '65536'], '--port: expected'],
  [['--rate-limit', '0'], '--rate-limit: expected a whole number, at least 1.'],
  [['--seed', '/none/there.json'], '--seed /none/there.json: ENOENT'],
  [['--prot', '1'], "Unknown option '--prot'"],
  [['extra'], 'Unexpected argument'],
])('%j is refused, with the usage', async (args, message) => {
  const { status, stdout, stderr } = await run(['sandbox', ...args]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage: npx --no-install express-moov-auth sandbox');
});

test.each([
  ['{', 'JSON'],
  ['{"accounts":[{"nam":"x"}]}', 'seed.accounts[0]: Unrecognized key: "nam"'],
])('a seed file with %s is refused', async (text, message) => {
  const { status, stderr } = await run(['sandbox', '--seed', seedFile(text)]);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

test('goes on without the reader of its lines', async () => {
  const { child, printed, closed } = startProcess(['sandbox', '--port', '0']);
  onTestFinished(() => void child.kill('SIGKILL'));
  await expect.poll(() => printed.join(''), { timeout: 20_000 }).toContain('Ctrl+C stops it.');
  const [, url = ''] = /MOOV_BASE_URL=(\S+)/.exec(printed.join('')) ?? [];
  child.stdout.destroy();
  for (let count = 0; count < 3; count++) expect((await fetch(`${url}/ping`)).status).toBe(401);
  child.kill('SIGINT');
  expect(await closed).toEqual([0, null]);
  expect(printed.join('')).not.toContain('EPIPE');
});
