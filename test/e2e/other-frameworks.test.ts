import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMoovSandbox, type MoovSandbox } from '../../src/sandbox/index.js';
import { readPage, root } from '../docs/markdown.js';
import { until } from '../helpers/moov.js';

const tellPort = new URL('../docs/tell-port.mjs', import.meta.url).href;
// Within the repository, where the package's own name leads to its build.
const folder = join(root, '.tmp', `frameworks-${process.pid}`);
const ADMIN_KEY = 'the-key-of-the-admin';
const json = { 'content-type': 'application/json' };
const ofAdmin = { 'x-admin-key': ADMIN_KEY };

const programs = readPage('docs/other-frameworks.md').blocks.map(({ code }) => ({
  name: /from '(koa|fastify)'/.exec(code)?.[1] ?? 'none',
  code,
}));

beforeAll(() => void mkdirSync(folder, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('there is a program for each framework', () => {
  expect(programs.map(({ name }) => name)).toEqual(['koa', 'fastify']);
});

describe.each(programs)('the program for $name', ({ name, code }) => {
  let sandbox: MoovSandbox;
  let child: ChildProcess;
  let url: string;
  let output: string;

  // One process for all tests, of which the last one stops it.
  beforeAll(async () => {
    sandbox = createMoovSandbox();
    await sandbox.listen();
    const { clientId, clientSecret, origin = '', baseURL } = sandbox.options;
    const file = join(folder, `${name}.ts`);
    writeFileSync(file, code);
    child = fork(file, {
      cwd: root,
      execArgv: ['--import', 'tsx', '--import', tellPort],
      silent: true,
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        ADMIN_KEY,
        MOOV_CLIENT_ID: clientId,
        MOOV_CLIENT_SECRET: clientSecret,
        MOOV_ORIGIN: origin,
        MOOV_BASE_URL: baseURL,
        MOOV_WEBHOOK_SECRET: sandbox.webhookSecret,
      },
    });
    output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += String(chunk);
      });
    }
    const [{ port }] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error(`It ended before it listened:\n${output}`))),
    ]);
    url = `http://127.0.0.1:${port}`;
  });

  afterAll(async () => {
    child.kill('SIGKILL');
    await sandbox.close();
  });

  const post = (path: string, headers: Record<string, string>, body: object) =>
    fetch(url + path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) });

  it('calls Moov, also after its token was revoked, and for an account with a token of its own', async () => {
    const path = `/accounts/${sandbox.platformAccountID}`;
    const account = await fetch(url + path);
    expect([account.status, await account.json()]).toEqual([
      200,
      expect.objectContaining({ accountID: sandbox.platformAccountID }),
    ]);
    sandbox.revokeTokens();
    expect((await fetch(url + path)).status).toBe(200);
    expect(sandbox.stats).toMatchObject({ tokensMinted: 2, unauthorized: 1 });
    expect((await fetch(`${url}${path}/wallets`)).status).toBe(200);
    expect(sandbox.stats).toMatchObject({ tokensMinted: 3, forbidden: 0 });
  });

  it('answers errors of Moov as problems of RFC 9457', async () => {
    const problem = async (path: string) => {
      const response = await fetch(url + path);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      return response.json();
    };
    expect(await problem('/accounts/nobody')).toMatchObject({ status: 404, title: 'Not Found' });
    expect(await problem('/accounts/nobody/wallets')).toMatchObject({ status: 400, code: 'ERR_MOOV_SCOPE' });
    sandbox.fail({ path: /^\/accounts/, status: 403 });
    expect(await problem('/accounts/nobody')).toMatchObject({ status: 502 });
    const elsewhere = await fetch(`${url}/elsewhere`);
    expect(elsewhere.status).toBe(404);
    expect(elsewhere.headers.get('content-type')).not.toContain('problem');
  });

  it('has the routers, with their guard, their check of origins and their bodies', async () => {
    expect((await post('/oauth/token', {}, {})).status).toBe(403);
    expect((await post('/oauth/token', { ...ofAdmin, origin: 'https://evil.example' }, {})).status).toBe(403);
    const issued = await post('/oauth/token', ofAdmin, { scopes: ['/accounts.read'] });
    expect(issued.status).toBe(200);
    const { token } = Object(await issued.json());
    expect(token).toEqual(expect.any(String));
    expect((await post('/oauth/token', ofAdmin, { scopes: ['/accounts.write'] })).status).toBe(403);

    const { tokensRevoked } = sandbox.stats;
    expect((await post('/oauth/revoke', ofAdmin, { token })).status).toBe(200);
    expect(sandbox.stats.tokensRevoked).toBe(tokensRevoked + 1);
    expect((await post('/oauth/revoke', ofAdmin, { tokens: 5 })).status).toBe(400);
    expect((await fetch(`${url}/oauth/revoke`, { headers: ofAdmin })).status).toBe(405);
  });

  it('takes webhooks of Moov alone', async () => {
    const sent = await sandbox.sendWebhook(`${url}/webhooks/moov`, 'transfer.updated', { transferID: 'one' });
    expect(sent.statuses).toEqual([200]);
    await until(() => output.includes('transfer.updated'), 'the handler has run');
    const deliver = (headers: Record<string, string>, body: string) =>
      fetch(`${url}/webhooks/moov`, { method: 'POST', headers, body });
    expect((await deliver({ ...sent.headers }, sent.body)).status).toBe(200);

    const forged = await deliver({ ...sent.headers, 'X-Nonce': 'another' }, sent.body);
    expect(forged.status).toBe(401);
    expect(await forged.json()).toMatchObject({ code: 'ERR_MOOV_WEBHOOK_SIGNATURE' });
    const large = await deliver({ ...sent.headers }, JSON.stringify({ data: 'x'.repeat(300_000) }));
    // Koa's is a repeat, of which no body is read.
    expect(large.status).toBe(name === 'koa' ? 200 : 413);
    expect(output).not.toContain(sandbox.webhookSecret);
  });

  it('revokes its tokens when it is stopped', async () => {
    expect((await fetch(`${url}/accounts/${sandbox.platformAccountID}`)).status).toBe(200);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect([...(await ended), output.match(/\n +at .*/)?.[0]]).toEqual([0, null, undefined]);
    expect(sandbox.stats.tokensRevoked).toBeGreaterThan(0);
  });
});
