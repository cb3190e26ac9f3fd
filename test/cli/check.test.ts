import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createServer as createRawServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { MoovSandbox, MoovSandboxOptions } from '../../src/sandbox/index.js';
import { selfSigned } from '../helpers/certificate.js';
import { freePort } from '../helpers/free-port.js';
import { full } from '../helpers/full.js';
import { startSandbox, until } from '../helpers/moov.js';
import { type Ran, run, start } from './helpers.js';

type Environment = Record<string, string>;

/** The variables with which a sandbox is called. */
function environmentOf(sandbox: MoovSandbox): Environment {
  const { baseURL, origin, clientId, clientSecret } = sandbox.options;
  return {
    MOOV_BASE_URL: baseURL,
    MOOV_ORIGIN: String(origin),
    MOOV_CLIENT_ID: String(clientId),
    MOOV_CLIENT_SECRET: String(clientSecret),
    MOOV_ACCOUNT_ID: sandbox.platformAccountID,
  };
}

/** Runs the command against a sandbox. No output may have a secret, a token, or a character that a terminal obeys. */
async function check(
  sandbox: MoovSandbox,
  args: readonly string[] = [],
  environment: Environment = {},
): Promise<Ran> {
  const env = { ...environmentOf(sandbox), ...environment };
  const ran = await run(['check', ...args], { env });
  const output = ran.stdout + ran.stderr;
  const sent = sandbox.requests.flatMap(({ headers }) => headers.authorization ?? []);
  const secrets = [env.MOOV_CLIENT_SECRET ?? '', ...sent.flatMap((value) => value.split(' ').slice(1))];
  for (const secret of secrets.filter((value) => value !== '')) expect(output).not.toContain(secret);
  expect(output).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
  return ran;
}

/** The lines by what each is about. */
function lines(stdout: string): Record<string, string> {
  return Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [mark = '', step = ''] = line.split(/\s+/);
        return [step, `${mark} ${line.slice(13)}`];
      }),
  );
}

const account = 'b1d2c3a4-0000-4000-8000-0000000000aa';

describe('with nothing wrong', () => {
  test('each step has a line, the status is 0, and one token is requested and revoked', async () => {
    const sandbox = await startSandbox();
    const { status, stdout, stderr } = await check(sandbox, ['--scope', '/accounts.read']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(lines(stdout)).toEqual({
      settings: expect.stringMatching(
        /^✓ http:\/\/127\.0\.0\.1:\d+, origin https:\/\/app\.example\.com, version v/,
      ),
      network: expect.stringMatching(/^✓ 127\.0\.0\.1:\d+ answers; no proxy is set$/),
      clock: "✓ agrees with Moov's",
      token: expect.stringMatching(/^✓ issued, valid for \d+ s$/),
      scopes: '✓ granted: /accounts.read /ping.read',
      claims: expect.stringMatching(/^✓ nothing in the token contradicts/),
      call: '✓ GET /ping is allowed',
      revocation: '✓ the token is revoked',
    });
    expect(sandbox.stats).toMatchObject({ tokenRequests: 1, tokensRevoked: 1, unauthorized: 1 });
  });

  test('--account asks for a scope of it, and calls it', async () => {
    const sandbox = await startSandbox();
    const { status, stdout } = await check(sandbox, ['--account', sandbox.platformAccountID]);
    expect(status).toBe(0);
    expect(lines(stdout).account).toBe(`✓ GET /accounts/${sandbox.platformAccountID}/wallets is allowed`);
  });

  test('--json prints one object', async () => {
    const sandbox = await startSandbox();
    const { status, stdout } = await check(sandbox, ['--json']);
    expect(status).toBe(0);
    const { ok, steps } = JSON.parse(stdout);
    expect(ok).toBe(true);
    expect(steps[3]).toEqual({ step: 'token', ok: true, text: expect.stringContaining('issued') });
  });

  // Not --env-file: Node itself reads that also after the program, and ends where there is no such file.
  test('--env has the variables that the environment lacks', async () => {
    const sandbox = await startSandbox();
    const { MOOV_CLIENT_SECRET, ...rest } = environmentOf(sandbox);
    const file = join(tmpdir(), `check-${process.pid}.env`);
    writeFileSync(file, `MOOV_CLIENT_SECRET="${MOOV_CLIENT_SECRET}"\nMOOV_CLIENT_ID=overridden\n`);
    expect((await run(['check', '--env', file], { env: rest })).status).toBe(0);
  });
});

interface Fault {
  name: string;
  options?: MoovSandboxOptions;
  arrange?: (sandbox: MoovSandbox) => void;
  args?: string[];
  environment?: Environment | (() => Promise<Environment>);
  /** The steps that fail, and what their lines say. */
  failing: Record<string, RegExp>;
}

/** Whose server has a certificate that nobody has signed, as behind a proxy that ends TLS. */
async function untrusted(): Promise<Environment> {
  const server = createServer(await selfSigned('IP:127.0.0.1')).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  return { MOOV_BASE_URL: `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` };
}

const page = '<html>\u001b[2J\u202ePlease sign in\r\n</html>';

const faults: Fault[] = [
  {
    name: 'missing settings',
    environment: { MOOV_CLIENT_ID: '', MOOV_CLIENT_SECRET: '' },
    failing: { settings: /clientId \(MOOV_CLIENT_ID .* and clientSecret \(.*\) are missing/ },
  },
  {
    name: 'quotes around the secret',
    environment: { MOOV_CLIENT_SECRET: '"a-secret-in-quotes"' },
    failing: { settings: /clientSecret: .* got a string in quotes\. .* MOOV_CLIENT_SECRET/ },
  },
  {
    name: 'a wrong secret',
    environment: { MOOV_CLIENT_SECRET: 'a-wrong-secret' },
    failing: { token: /Moov refused the credentials \(401\): check clientId \(MOOV_CLIENT_ID/ },
  },
  {
    name: 'a wrong origin',
    environment: { MOOV_ORIGIN: 'https://elsewhere.example.com' },
    failing: {
      claims:
        /MOOV_ORIGIN\) is https:\/\/elsewhere\.example\.com, but the API key is registered for app\.example\.com/,
      call: /GET \/ping was answered with 401: the token is expired or revoked, or used with an Origin/,
    },
  },
  {
    name: 'a scope that is not granted',
    args: ['--scope', '/accounts.read'],
    arrange: (sandbox) => {
      const body = {
        access_token: 'narrow-token',
        token_type: 'Bearer',
        expires_in: 900,
        scope: '/ping.read',
      };
      sandbox.fail({ path: '/oauth2/token', status: 200, body });
      sandbox.fail({ path: '/ping', status: 401 });
      sandbox.fail({ path: '/ping', status: 200 });
    },
    failing: { scopes: /Not granted: \/accounts\.read\. Check what the API key may do/ },
  },
  {
    name: 'a scope that does not exist',
    args: ['--scope', '/acounts.read'],
    failing: { token: /Moov refused the token request \(4\d\d\)/ },
  },
  {
    name: 'a wrong account',
    args: ['--account', account],
    failing: {
      account: /GET \/accounts\/b1d2c3a4-[^ ]+\/wallets was answered with 404: there is no such account/,
    },
  },
  {
    name: 'another platform account',
    environment: { MOOV_ACCOUNT_ID: account },
    failing: { claims: /MOOV_ACCOUNT_ID\) is b1d2c3a4-.*, but the API key belongs to account/ },
  },
  {
    name: 'a clock that is wrong',
    arrange: (sandbox) => {
      const date = new Date(Date.now() - 3_600_000).toUTCString();
      sandbox.fail({ path: '/ping', status: 401, headers: { date } });
    },
    failing: { clock: /This machine's clock is 36\d\d s ahead of Moov's\. Set it, for example by NTP/ },
  },
  {
    name: 'unreachable',
    environment: async () => ({ MOOV_BASE_URL: `http://127.0.0.1:${await freePort()}` }),
    failing: { network: /127\.0\.0\.1 could not be reached \(ECONNREFUSED\)\. .* check the firewall/ },
  },
  {
    // A name with a part of more than 63 characters is never asked for.
    name: 'a name that can not be resolved',
    environment: { MOOV_BASE_URL: `https://${'a'.repeat(64)}.invalid` },
    failing: { network: /\.invalid could not be reached \(ENOTFOUND\)\. .* check DNS, and MOOV_BASE_URL/ },
  },
  {
    name: 'a certificate that is not trusted',
    environment: untrusted,
    failing: {
      network: /could not be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. .* CA with NODE_EXTRA_CA_CERTS/,
    },
  },
  {
    name: 'a page of a proxy',
    arrange: (sandbox) =>
      sandbox.fail({ path: '/ping', status: 200, headers: { 'content-type': 'text/html' }, body: page }),
    failing: {
      network:
        /The response is an HTML page \(200\), not Moov's: <html>\\u001b\[2J\\u202ePlease sign in\\r\\n/,
    },
  },
  {
    name: 'a page of a proxy for token requests alone',
    arrange: (sandbox) =>
      sandbox.fail({
        path: '/oauth2/token',
        status: 403,
        headers: { 'content-type': 'text/html' },
        body: page,
      }),
    failing: { token: /A gateway in front of Moov answered \(403\)/ },
  },
  {
    name: 'a rate limit',
    arrange: (sandbox) => sandbox.fail({ path: '/oauth2/token', status: 429 }),
    failing: { token: /rate limit was hit \(429\)/ },
  },
  {
    name: 'a failure of Moov',
    arrange: (sandbox) => sandbox.fail({ path: '/ping', status: 503 }),
    failing: { network: /fails \(503\)\. Try again later/ },
  },
  {
    name: 'a redirect of Moov',
    arrange: (sandbox) => sandbox.fail({ path: '/ping', status: 302, headers: { location: '/other' } }),
    failing: { network: /redirects \(302\)\. Check MOOV_BASE_URL/ },
  },
  {
    name: 'a connection that breaks',
    arrange: (sandbox) => sandbox.fail({ path: '/ping', drop: 'before' }),
    failing: { network: /could not be reached \(ECONNRESET\)\. The connection broke/ },
  },
  {
    name: 'a clock that is behind',
    arrange: (sandbox) => {
      const date = new Date(Date.now() + 3_600_000).toUTCString();
      sandbox.fail({ path: '/ping', status: 401, headers: { date } });
    },
    failing: { clock: /This machine's clock is 3\d\d\d s behind Moov's/ },
  },
  {
    name: 'a page in the place of a call',
    arrange: (sandbox) => {
      sandbox.fail({ path: '/ping', status: 401 });
      sandbox.fail({ path: '/ping', status: 200, headers: { 'content-type': 'text/html' }, body: page });
    },
    failing: { call: /GET \/ping: the response is an HTML page \(200\), not Moov's/ },
  },
  {
    name: 'a call that breaks',
    arrange: (sandbox) => {
      sandbox.fail({ path: '/ping', status: 401 });
      sandbox.fail({ path: '/ping', drop: 'before' });
    },
    failing: { call: /GET \/ping: .* could not be reached \(ECONNRESET\)/ },
  },
  {
    name: 'a call with another status',
    arrange: (sandbox) => {
      sandbox.fail({ path: '/ping', status: 401 });
      sandbox.fail({ path: '/ping', status: 418 });
    },
    failing: { call: /GET \/ping was answered with 418: unexpected/ },
  },
  {
    name: 'a token that is not revoked',
    arrange: (sandbox) => sandbox.fail({ path: '/oauth2/revoke', status: 500 }),
    failing: { revocation: /Moov failed \(500\).*stays valid until it expires/ },
  },
];

test.each(faults)('says what is wrong, with status 1: $name', async (fault) => {
  const { name, options = {}, arrange, args, environment = {}, failing } = fault;
  const sandbox = await startSandbox(options);
  arrange?.(sandbox);
  const given = typeof environment === 'function' ? await environment() : environment;
  const { status, stdout } = await check(sandbox, args, given);
  expect(status).toBe(1);
  const found = lines(stdout);
  const crossed = Object.entries(found).filter(([, text]) => text.startsWith('✗'));
  expect(crossed.map(([step]) => step)).toEqual(Object.keys(failing));
  for (const [step, pattern] of Object.entries(failing)) expect(found[step]).toMatch(pattern);
  // No retries, and no token that is left.
  expect(sandbox.stats.tokenRequests).toBeLessThanOrEqual(1);
  expect(sandbox.stats.tokensMinted).toBe(sandbox.stats.revokeRequests - (name.includes('granted') ? 1 : 0));
});

/** Starts a server that accepts connections and says nothing. */
async function startSilent() {
  const server = createRawServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { server, environment: { MOOV_BASE_URL: `http://127.0.0.1:${port}` } };
}

test('waits 8 s, which are not real here, for what says nothing', { timeout: 7_000 }, async () => {
  const { server, environment } = await startSilent();
  const sandbox = await startSandbox();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const checked = check(sandbox, [], environment);
  await once(server, 'connection');
  vi.advanceTimersByTime(8_000);
  const { status, stdout } = await checked;
  expect(status).toBe(1);
  expect(lines(stdout).network).toMatch(/^✗ no response in time/);
});

test.runIf(full)('ends after 10 s, whatever is collected meanwhile', { timeout: 30_000 }, async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const collecting = setInterval(collect, 500);
  onTestFinished(() => clearInterval(collecting));
  const { environment } = await startSilent();
  const sandbox = await startSandbox();
  const began = performance.now();
  const { status, stdout } = await check(sandbox, [], environment);
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(status).toBe(1);
  expect(lines(stdout).network).toMatch(/^✗ no response in time/);
});

test.each([
  ['an unknown option', ['--scopes', '/ping.read'], /Unknown option '--scopes'/],
  ['an account that is none', ['--account', 'me'], /--account: expected an account ID, which is a UUID/],
  ['a scope without its account', ['--scope', '/accounts/{accountID}/cards.read'], /give --account too/],
  [
    'a file that is not there',
    ['--env', '/nowhere/.env'],
    /--env: the file could not be read \(ENOENT\): \/nowhere/,
  ],
])('%s is wrong usage: status 2, before any token request', async (_name, args, message) => {
  const sandbox = await startSandbox();
  const { status, stderr } = await check(sandbox, args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).toContain('Usage: npx --no-install express-moov-auth check');
  expect(sandbox.stats.tokenRequests).toBe(0);
});

test('Ctrl+C ends it, with the token revoked', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: '/ping', status: 401 });
  sandbox.fail({ path: '/ping', delayMs: 60_000 });
  const { child, printed, closed } = start(['check'], environmentOf(sandbox));
  await until(() => sandbox.requests.filter(({ path }) => path === '/ping').length === 2, 'it calls');
  child.kill('SIGINT');
  const [code, signal] = await closed;
  expect({ code, signal }).toEqual({ code: 130, signal: null });
  expect(printed.join('')).toMatch(/✓ revocation the token is revoked\nInterrupted\.\n$/);
  expect(sandbox.stats).toMatchObject({ tokensMinted: 1, tokensRevoked: 1 });
});

test('Ctrl+C while the token is not revoked says so', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: '/oauth2/revoke', status: 500 });
  sandbox.fail({ path: '/ping', status: 401 });
  sandbox.fail({ path: '/ping', delayMs: 60_000 });
  const { status, stdout, stderr } = await interrupt(sandbox, '/ping', 2);
  expect(status).toBe(130);
  expect(Object.keys(lines(stdout)).at(-1)).toBe('revocation');
  expect(lines(stdout).revocation).toMatch(/^✗ .*The token stays valid until it expires\.$/);
  expect(stderr).toBe('Interrupted.\n');
});

test('Ctrl+C during the token request says that its token may be valid', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: '/oauth2/token', delayMs: 60_000 });
  const { stdout } = await interrupt(sandbox, '/oauth2/token', 1);
  expect(lines(stdout).token).toMatch(/^✗ Interrupted\. A token that Moov may have issued stays valid/);
});

async function interrupt(sandbox: MoovSandbox, at: string, times: number): Promise<Ran> {
  const ending = new AbortController();
  const ran = run(['check'], { env: environmentOf(sandbox), signal: ending.signal });
  await until(() => sandbox.requests.filter(({ path }) => path === at).length === times, 'it calls');
  ending.abort();
  return ran;
}

describe('the proxy', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('of the environment is named, without its password', async () => {
    vi.stubEnv('HTTP_PROXY', 'http://user:password@127.0.0.1:1');
    vi.stubEnv('ALL_PROXY', 'http://127.0.0.1:2');
    const { stdout } = await check(await startSandbox());
    expect(lines(stdout).network).toMatch(
      /\(the proxy 127\.0\.0\.1:1 is set, and NO_PROXY does not name 127\.0\.0\.1\)$/,
    );
    expect(stdout).not.toContain('password');
  });

  test.each(['127.0.0.1', '*', 'example.com, *.0.0.1', '.0.0.1'])(
    'is not used with NO_PROXY=%s',
    async (exempt) => {
      vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
      vi.stubEnv('NO_PROXY', exempt);
      const { status, stdout } = await check(await startSandbox());
      expect(status).toBe(0);
      expect(lines(stdout).network).toMatch(/answers; NO_PROXY exempts it from the proxy$/);
    },
  );

  test.each(['127.0.0.1:1', '0.0.1', 'example.com'])('is used with NO_PROXY=%s', async (exempt) => {
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
    vi.stubEnv('NO_PROXY', exempt);
    const { stdout } = await check(await startSandbox());
    expect(lines(stdout).network).toMatch(
      /^✗ .*\(the proxy 127\.0\.0\.1:1 is set, and NO_PROXY does not name 127\.0\.0\.1\)$/,
    );
  });

  test('of a file is not used', async () => {
    const { stdout } = await check(await startSandbox(), [], { HTTP_PROXY: 'http://127.0.0.1:1' });
    expect(lines(stdout).network).toMatch(/answers; no proxy is set$/);
  });
});

test('a file that is missing is wrong usage in a process too: Node leaves --env alone', async () => {
  const { printed, closed } = start(['check', '--env', '/nowhere/.env']);
  expect(await closed).toEqual([2, null]);
  expect(printed.join('')).toMatch(/--env: the file could not be read/);
});

test('a reader that goes, as head does, ends nothing: the token is revoked', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: '/ping', status: 401, delayMs: 100 });
  const { child, printed, closed } = start(['check'], environmentOf(sandbox));
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await closed).toEqual([0, null]);
  expect(printed.join('')).not.toContain('EPIPE');
  expect(sandbox.stats).toMatchObject({ tokensMinted: 1, tokensRevoked: 1 });
});
