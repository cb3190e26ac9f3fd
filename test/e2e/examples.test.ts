import { afterAll, describe, expect, it } from 'vitest';
import { instrumentation, Program } from '../../examples/program.js';
import { createMoovSandbox } from '../../src/sandbox/index.js';

const started: Program[] = [];

afterAll(async () => {
  await Promise.all(started.map((program) => program.stop()));
});

function run(file: string, env: Record<string, string> = {}, flags: readonly string[] = []): Program {
  const program = new Program(file, { PORT: '0', ...env }, flags);
  started.push(program);
  return program;
}

/** The `export NAME=value` lines that a program printed. */
function exportsIn(output: string): Record<string, string> {
  return Object.fromEntries(
    [...output.matchAll(/export (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
  );
}

/** The one place where a body is believed to be what a test says it is. */
async function readJson<T>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}

interface Index {
  routes: object;
  tryThis: string;
}

const json = { 'content-type': 'application/json' };

describe('npm run demo', () => {
  it('shows every step, prints no secret and ends with 0', async () => {
    const demo = run('demo.ts');
    expect(await demo.ended, demo.output).toBe(0);
    expect(demo.output.match(/^\d\. .+$/gm)).toEqual([
      '1. A token at start-up',
      '2. A payment whose response is lost',
      '3. A double click',
      '4. 50 payments at once, under a rate limit of 30 requests per second',
      '5. The token is revoked while 100 calls are in flight',
      '6. The revoke route, behind a guard',
      '7. The headers of a call, as Moov saw them',
      '8. Shutting down',
    ]);
    expect(demo.output.split('\n').length).toBeLessThanOrEqual(60);
    expect(demo.output).toMatch(/^ {3}Authorization: Bearer \w{8}\.\.\.$/m);
    expect(demo.output).not.toContain('sandbox-secret-key');
    expect(demo.output).not.toMatch(/Bearer \S{20}/);
  });
});

describe('npm start', () => {
  it('serves its routes from its own sandbox', async () => {
    const server = run('server.ts', { ADMIN_KEY: 'letmein' });
    const url = await server.url();
    expect(server.output).toContain('No MOOV_CLIENT_ID is set');

    const { routes, tryThis } = await readJson<Index>(fetch(url));
    expect(Object.keys(routes)).toEqual([
      'GET /accounts/:id',
      'POST /accounts',
      'GET /health',
      'POST /oauth/revoke',
    ]);
    expect((await fetch(url + tryThis)).status).toBe(200);

    const body = JSON.stringify({ firstName: 'Ada', lastName: 'Lovelace' });
    const created = await fetch(`${url}/accounts`, { method: 'POST', headers: json, body });
    expect(created.status).toBe(201);
    const { accountID } = await readJson<{ accountID: string }>(created);
    const found = await fetch(`${url}/accounts/${accountID}`);
    expect(await found.json()).toMatchObject({ accountID, displayName: 'Ada Lovelace' });

    const unknown = await fetch(`${url}/accounts/nobody`);
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('content-type')).toContain('application/problem+json');
  });

  it('revokes only with the admin key, and stays healthy', async () => {
    const url = await run('server.ts', { ADMIN_KEY: 'letmein' }).url();
    const health = async () => {
      const response = await fetch(`${url}/health`);
      return { status: response.status, ...(await readJson<object>(response)) };
    };
    const revoke = async (key: string) => {
      const headers = { authorization: `Bearer ${key}` };
      return (await fetch(`${url}/oauth/revoke`, { method: 'POST', headers })).status;
    };
    await expect.poll(health, { timeout: 20_000 }).toMatchObject({ status: 200, state: 'ready', tokens: 1 });
    expect(await revoke('wrong')).toBe(401);
    expect(await health()).toMatchObject({ state: 'ready' });
    expect(await revoke('letmein')).toBe(200);
    expect(await health()).toMatchObject({ status: 200, tokens: 0 });
  });

  it('lets nobody revoke without an ADMIN_KEY', async () => {
    const url = await run('server.ts').url();
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer undefined']) {
      const response = await fetch(`${url}/oauth/revoke`, { method: 'POST', headers: { authorization } });
      expect(response.status, authorization).toBe(401);
    }
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('gives the token back on %s and ends with 0', async (signal) => {
    const server = run('server.ts');
    const url = await server.url();
    const { tryThis } = await readJson<Index>(fetch(url));
    await fetch(url + tryThis);
    expect(await server.stop(signal), server.output).toBe(0);
    expect(server.output).toContain('Stopped; no token is left at Moov.');
  });
});

describe('express-moov-auth sandbox', () => {
  it('prints variables with which the other servers run, and ends with 0', async () => {
    const sandbox = new Program('../dist/esm/cli/bin.js', {}, [], ['sandbox', '--port', '0']);
    started.push(sandbox);
    const url = await sandbox.url();
    const { MOOV_ACCOUNT_ID: account = '', ...env } = exportsIn(sandbox.output);
    expect(env.MOOV_BASE_URL).toBe(url);
    // The names of the README: others would lose against what is set already.
    expect(Object.keys(env)).toEqual([
      'MOOV_BASE_URL',
      'MOOV_CLIENT_ID',
      'MOOV_CLIENT_SECRET',
      'MOOV_ORIGIN',
    ]);

    for (const file of ['minimal.ts', 'commonjs.cjs', 'server.ts']) {
      const server = run(file, env);
      const response = await fetch(`${await server.url()}/accounts/${account}`);
      expect(await response.json(), file).toMatchObject({ accountID: account });
      expect(await server.stop(), file).toBe(file === 'server.ts' ? 0 : 'SIGTERM');
    }
    expect(await sandbox.stop(), sandbox.output).toBe(0);
  });
});

describe('the payment example', () => {
  it('moves the money once for each order', async () => {
    const payment = run('payment.ts');
    expect(await payment.ended, payment.output).toBe(0);
    expect(payment.output).toContain('Moov has made 2 transfers for 2 orders');
  });
});

describe('examples/metrics.ts', () => {
  it('turns events into Prometheus metrics, and has a health route', async () => {
    const sandbox = createMoovSandbox();
    await sandbox.listen();
    const { clientId, clientSecret, origin, baseURL } = sandbox.options;
    const program = run('metrics.ts', {
      MOOV_CLIENT_ID: clientId,
      MOOV_CLIENT_SECRET: clientSecret,
      MOOV_ORIGIN: origin ?? '',
      MOOV_BASE_URL: baseURL,
    });
    const url = await program.url();
    sandbox.revokeTokens();
    expect((await fetch(`${url}/accounts/${sandbox.platformAccountID}`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('moov_events_total{type="token.obtained",reason=""} 1');
    expect(metrics).toContain('moov_events_total{type="call.replayed",reason=""} 1');
    expect(metrics).toContain('moov_token_seconds_count 2');
    expect(await readJson(fetch(`${url}/health`))).toMatchObject({ state: 'ready' });
    expect(await program.stop()).toBe(0);
    expect(sandbox.stats.tokensRevoked).toBe(2);
    await sandbox.close();
  });
});

describe('examples/tracing', () => {
  it('prints a request with its calls to Moov below, and each renewal for itself', async () => {
    const sandbox = createMoovSandbox();
    const MOOV_BASE_URL = await sandbox.listen();
    const { clientId, clientSecret, origin } = sandbox.options;
    const env = {
      MOOV_BASE_URL,
      MOOV_CLIENT_ID: clientId,
      MOOV_CLIENT_SECRET: clientSecret,
      MOOV_ORIGIN: origin ?? '',
    };
    const program = run('tracing/server.ts', env, ['--import', instrumentation]);
    const url = await program.url();
    const path = `/accounts/${sandbox.platformAccountID}`;
    expect((await fetch(url + path)).status).toBe(200);
    sandbox.revokeTokens();
    expect((await fetch(url + path)).status).toBe(200);
    expect(await program.stop(), program.output).toBe(0);
    await sandbox.close();

    const mint = [`client  POST  ${MOOV_BASE_URL}/oauth2/token  200`];
    const revocation = [`client  POST  ${MOOV_BASE_URL}/oauth2/revoke  204`];
    const request = (...calls: string[]) => [
      'server  GET /accounts/:id  200',
      '  internal  middleware - <anonymous>',
      expect.stringMatching(/^ {2}internal {2}request handler/),
      ...calls.map((status) => `    client  GET  ${MOOV_BASE_URL}${path}  ${status}`),
    ];
    const printed = program.output.replace(/^Listening .*\n/m, '').trim();
    const trees = printed.split('\n\n').map((tree) => tree.split('\n'));
    // The renewal ends before the request that waits for it.
    expect(trees).toEqual([
      mint,
      request('200'),
      mint,
      request('401  failed', '200'),
      // Both tokens and their refresh tokens: nothing says that Moov refuses the first one for good.
      ...Array.from({ length: 4 }, () => revocation),
    ]);
  });
});
