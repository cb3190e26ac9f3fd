import axios from 'axios';
import fc from 'fast-check';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { MoovConfigError, MoovOAuthClient } from '../../src/index.js';
import { userAgent } from '../../src/version.js';
import { type Received, serve } from '../helpers/http-server.js';
import { rejection } from '../helpers/printed.js';
import { BASIC, clientOf, grant, KEY, ORIGIN, tokenReply } from './helpers.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** RFC 6749 section 2.3.1, read from the server's side. */
function decodeBasic({ headers }: Received): { clientId: string; clientSecret: string } {
  const [scheme, encoded] = headers.authorization?.split(' ') ?? [];
  expect(scheme).toBe('Basic');
  const pair = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const decode = (half: string) => decodeURIComponent(half.replaceAll('+', ' '));
  return { clientId: decode(pair.slice(0, colon)), clientSecret: decode(pair.slice(colon + 1)) };
}

describe('the token request', () => {
  test('is a form with HTTP Basic, Origin, the API version and a User-Agent that names this package', async () => {
    const server = await serve(tokenReply());
    await clientOf(server.url).createAccessToken(grant);

    expect(server.requests).toHaveLength(1);
    expect(server.first).toMatchObject({
      method: 'POST',
      path: '/oauth2/token',
      body: 'grant_type=client_credentials&scope=%2Fping.read',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        authorization: `Basic ${BASIC}`,
        origin: ORIGIN,
        'x-moov-version': 'v2024.01.00',
        'user-agent': userAgent,
      },
    });
    expect(userAgent).toMatch(/^express-moov-auth\/\d/);
  });

  test('is sent below the path of the base URL', async () => {
    const server = await serve(tokenReply());
    await clientOf(`${server.url}/moov/`).createAccessToken(grant);
    expect(server.first.path).toBe('/moov/oauth2/token');
  });

  test('has no Origin when none is configured, as for a mock server on loopback', async () => {
    const server = await serve(tokenReply());
    await new MoovOAuthClient({ ...KEY, baseURL: server.url }).createAccessToken(grant);
    expect(server.first.headers).not.toHaveProperty('origin');
  });

  test('reads all settings from MOOV_* variables without options', async () => {
    const server = await serve(tokenReply());
    vi.stubEnv('MOOV_PUBLIC_KEY', 'from-env');
    vi.stubEnv('MOOV_SECRET_KEY', 'secret-from-env');
    vi.stubEnv('MOOV_ORIGIN', 'https://env.example.com');
    vi.stubEnv('MOOV_BASE_URL', server.url);
    vi.stubEnv('MOOV_API_VERSION', 'v2026.10.00');
    await new MoovOAuthClient().createAccessToken(grant);
    expect(decodeBasic(server.first)).toEqual({ clientId: 'from-env', clientSecret: 'secret-from-env' });
    expect(server.first.headers).toMatchObject({
      origin: 'https://env.example.com',
      'x-moov-version': 'v2026.10.00',
    });
  });
});

describe('the key by HTTP Basic (RFC 6749 section 2.3.1)', () => {
  test('is form-urlencoded first, so that "-", "_" and "." stay and everything else survives', async () => {
    const server = await serve(tokenReply());
    await clientOf(server.url, { clientId: 'a-b_c.d', clientSecret: 'e f:g%h+i/é€😀' }).createAccessToken(
      grant,
    );
    const sent = Buffer.from(server.first.headers.authorization?.slice(6) ?? '', 'base64').toString('latin1');
    expect(sent).toBe('a-b_c.d:e+f%3Ag%25h%2Bi%2F%C3%A9%E2%82%AC%F0%9F%98%80');
  });

  test('any key survives the encoding', async () => {
    const server = await serve(tokenReply());
    const half = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/\p{Cc}/u.test(text));
    await fc.assert(
      fc.asyncProperty(half, half, async (clientId, clientSecret) => {
        await clientOf(server.url).createAccessToken({ ...grant, clientId, clientSecret });
        const last = server.requests.at(-1) ?? server.first;
        expect(decodeBasic(last)).toEqual({ clientId, clientSecret });
      }),
    );
  });
});

describe("clientAuth: 'body'", () => {
  test('puts the key into the form and sends no Authorization header', async () => {
    const server = await serve([tokenReply(), { status: 204 }]);
    const client = clientOf(server.url, { clientAuth: 'body' });
    await client.createAccessToken(grant);
    await client.revokeAccessToken({ token: 'a-token' });

    const [create, revoke] = server.requests;
    const key = { client_id: KEY.clientId, client_secret: KEY.clientSecret };
    expect(create?.form).toEqual({ grant_type: 'client_credentials', scope: '/ping.read', ...key });
    expect(revoke?.form).toEqual({ token: 'a-token', ...key });
    for (const { headers } of server.requests) expect(headers).not.toHaveProperty('authorization');
  });

  test('takes no header and no limit from the defaults that the program has set for its other calls', async () => {
    const { headers, maxContentLength } = axios.defaults;
    onTestFinished(() => {
      Object.assign(axios.defaults, { headers, maxContentLength });
    });
    const common = { ...headers.common, Authorization: 'Bearer of-another-service', 'X-Api-Key': 'theirs' };
    Object.assign(axios.defaults, { headers: { ...headers, common }, maxContentLength: 1 });
    const server = await serve([tokenReply(), { status: 204 }]);
    const client = clientOf(server.url, { clientAuth: 'body' });
    await client.createAccessToken(grant);
    await client.revokeAccessToken({ token: 'a-token' });
    for (const received of server.requests) {
      expect(received.headers).not.toHaveProperty('authorization');
      expect(received.headers).not.toHaveProperty('x-api-key');
    }
  });

  test('with Basic the form has no key', async () => {
    const server = await serve(tokenReply());
    await clientOf(server.url, { clientAuth: 'basic' }).createAccessToken(grant);
    expect(Object.keys(server.first.form)).toEqual(['grant_type', 'scope']);
  });
});

describe('createAccessToken', () => {
  test('client_credentials sends the scope unchanged', async () => {
    const server = await serve(tokenReply());
    const scope = '/accounts.read /accounts/6a1c+x/wallets.read';
    await clientOf(server.url).createAccessToken({ grantType: 'client_credentials', scope });
    expect(server.first.form).toEqual({ grant_type: 'client_credentials', scope });
  });

  test('refresh_token sends the refresh token, and a scope if there is one', async () => {
    const server = await serve(tokenReply());
    const client = clientOf(server.url);
    await client.createAccessToken({ grantType: 'refresh_token', refreshToken: 'r+/= &1' });
    await client.createAccessToken({ grantType: 'refresh_token', refreshToken: 'r2', scope: '/ping.read' });
    expect(server.requests.map(({ form }) => form)).toEqual([
      { grant_type: 'refresh_token', refresh_token: 'r+/= &1' },
      { grant_type: 'refresh_token', refresh_token: 'r2', scope: '/ping.read' },
    ]);
  });

  test("a request's own key is used instead of the client's", async () => {
    const server = await serve(tokenReply());
    const other = { clientId: 'other-key', clientSecret: 'other-secret' };
    await clientOf(server.url).createAccessToken({ ...grant, ...other });
    expect(decodeBasic(server.first)).toEqual(other);
  });

  test('a client needs no key if each request has one', async () => {
    const server = await serve(tokenReply());
    const client = new MoovOAuthClient({ baseURL: server.url });
    await client.createAccessToken({ ...grant, ...KEY });
    expect(decodeBasic(server.first)).toEqual(KEY);

    const error = await rejection(client.createAccessToken(grant));
    expect(error).toBeInstanceOf(MoovConfigError);
    expect(String(error)).toMatch(/clientId: .*MOOV_CLIENT_ID or MOOV_PUBLIC_KEY/);
    expect(server.requests).toHaveLength(1);
  });
});

test('an undefined field or setting counts as absent', async () => {
  const server = await serve([tokenReply(), { status: 204 }]);
  const client = clientOf(server.url);
  const nothing = { clientId: undefined, clientSecret: undefined };
  const settings = { signal: undefined, timeoutMs: undefined, retries: undefined, headers: undefined };
  await client.createAccessToken({ ...grant, ...nothing, refreshToken: undefined }, settings);
  await client.revokeAccessToken({ token: 't', ...nothing, tokenTypeHint: undefined }, settings);
  expect(server.requests.map(({ body }) => body)).toEqual([
    'grant_type=client_credentials&scope=%2Fping.read',
    'token=t',
  ]);
});

describe('revokeAccessToken', () => {
  test('sends the token and its hint as a form, with the same headers', async () => {
    const server = await serve({ status: 204 });
    const client = clientOf(server.url);
    await client.revokeAccessToken({ token: 'access-1', tokenTypeHint: 'access_token' });
    await client.revokeAccessToken({ token: 'refresh-1', tokenTypeHint: 'refresh_token' });
    await client.revokeAccessToken({ token: 'any-1' });
    expect(server.requests.map(({ form }) => form)).toEqual([
      { token: 'access-1', token_type_hint: 'access_token' },
      { token: 'refresh-1', token_type_hint: 'refresh_token' },
      { token: 'any-1' },
    ]);
    expect(server.first).toMatchObject({
      method: 'POST',
      path: '/oauth2/revoke',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${BASIC}`,
        origin: ORIGIN,
        'x-moov-version': 'v2024.01.00',
        'user-agent': userAgent,
      },
    });
  });

  test("a request's own key is used instead of the client's", async () => {
    const server = await serve({ status: 204 });
    const other = { clientId: 'other-key', clientSecret: 'other-secret' };
    await clientOf(server.url).revokeAccessToken({ token: 't', ...other });
    expect(decodeBasic(server.first)).toEqual(other);
  });
});

describe('headers of one call', () => {
  test.each(['X-Moov-Version', 'x-moov-version', 'X-MOOV-VERSION'])(
    '%s replaces the client’s, and is sent once',
    async (name) => {
      const server = await serve([tokenReply(), tokenReply(), { status: 204 }]);
      const client = clientOf(server.url);
      await client.createAccessToken(grant, { headers: { [name]: 'v2025.04.00' } });
      await client.createAccessToken(grant);
      await client.revokeAccessToken({ token: 't' }, { headers: { [name]: 'v2025.07.00' } });
      expect(server.requests.map(({ headers }) => headers['x-moov-version'])).toEqual([
        'v2025.04.00',
        'v2024.01.00',
        'v2025.07.00',
      ]);
    },
  );

  test('are added, and do not replace the key, the origin or the form’s content type', async () => {
    const server = await serve(tokenReply());
    await clientOf(server.url).createAccessToken(grant, {
      headers: {
        'X-Trace': 'abc',
        authorization: 'Bearer other',
        ORIGIN: 'https://evil.example',
        'content-type': 'text/plain',
      },
    });
    expect(server.first.headers).toMatchObject({
      'x-trace': 'abc',
      authorization: `Basic ${BASIC}`,
      origin: ORIGIN,
      'content-type': 'application/x-www-form-urlencoded',
    });
  });
});

describe('an invalid request is refused before anything is sent', () => {
  const long = 'r'.repeat(4_097);
  const secret = 'sk_should-not-show';
  test.each<[string, 'createAccessToken' | 'revokeAccessToken', unknown, unknown, string]>([
    [
      'no request',
      'createAccessToken',
      undefined,
      {},
      'createAccessToken: expected an object of fields; got ',
    ],
    ['a string', 'createAccessToken', secret, {}, 'createAccessToken: expected an object of fields; got '],
    [
      'no grant type',
      'createAccessToken',
      {},
      {},
      "grantType: expected 'client_credentials' or 'refresh_token'; got none.",
    ],
    ['another grant type', 'createAccessToken', { grantType: 'password' }, {}, 'grantType: expected'],
    ['no scope', 'createAccessToken', { grantType: 'client_credentials' }, {}, 'scope: expected a non-empty'],
    ['an empty scope', 'createAccessToken', { ...grant, scope: '' }, {}, 'scope: expected a non-empty'],
    ['a list of scopes', 'createAccessToken', { ...grant, scope: ['/a.read'] }, {}, 'scope: expected'],
    ['no refresh token', 'createAccessToken', { grantType: 'refresh_token' }, {}, 'refreshToken: expected'],
    [
      'a refresh token of 4,097 characters',
      'createAccessToken',
      { grantType: 'refresh_token', refreshToken: long },
      {},
      'refreshToken: expected a non-empty string of at most 4,096 characters',
    ],
    [
      'a refresh token with client credentials',
      'createAccessToken',
      { ...grant, refreshToken: secret },
      {},
      'refreshToken: expected a non-empty string of at most 4,096 characters (with refresh_token alone)',
    ],
    [
      'an unknown field',
      'createAccessToken',
      { ...grant, scopes: secret },
      {},
      'createAccessToken: unknown field "scopes". Did you mean "scope"? Fields are grantType, scope, ',
    ],
    [
      'half a key',
      'createAccessToken',
      { ...grant, clientSecret: secret },
      {},
      'clientId and clientSecret: expected both',
    ],
    [
      'the other half',
      'revokeAccessToken',
      { token: 't', clientId: secret },
      {},
      'clientId and clientSecret: expected both',
    ],
    [
      'an empty key',
      'createAccessToken',
      { ...grant, clientId: '', clientSecret: secret },
      {},
      'clientId: expected',
    ],
    [
      'no token',
      'revokeAccessToken',
      {},
      {},
      'token: expected a non-empty string, the access or refresh token to revoke; got none.',
    ],
    ['an empty token', 'revokeAccessToken', { token: '' }, {}, 'token: expected a non-empty string'],
    [
      'another hint',
      'revokeAccessToken',
      { token: secret, tokenTypeHint: 'id_token' },
      {},
      'tokenTypeHint: expected',
    ],
    [
      'a null option',
      'createAccessToken',
      grant,
      null,
      'createAccessToken: expected an object of options; got null.',
    ],
    [
      'an unknown option',
      'createAccessToken',
      grant,
      { timeout: 5 },
      'createAccessToken: unknown option "timeout". Did you mean "timeoutMs"? Options are signal, ',
    ],
    ['a negative time', 'createAccessToken', grant, { timeoutMs: -1 }, 'timeoutMs: expected a whole number'],
    ['no time', 'createAccessToken', grant, { timeoutMs: 0 }, 'timeoutMs: expected'],
    ['NaN as time', 'createAccessToken', grant, { timeoutMs: Number.NaN }, 'timeoutMs: expected'],
    ['a fraction as time', 'createAccessToken', grant, { timeoutMs: 1.5 }, 'timeoutMs: expected'],
    ['a time beyond timers', 'createAccessToken', grant, { timeoutMs: 2 ** 31 }, 'timeoutMs: expected'],
    [
      'eleven retries',
      'createAccessToken',
      grant,
      { retries: 11 },
      'retries: expected a whole number from 0 to 10',
    ],
    [
      'a header with a line break',
      'createAccessToken',
      grant,
      { headers: { a: '1\r\nb: 2' } },
      'headers: expected',
    ],
    ['a header beyond Latin-1', 'createAccessToken', grant, { headers: { a: '€' } }, 'headers: expected'],
    [
      'a header name with a space',
      'createAccessToken',
      grant,
      { headers: { 'a b': '1' } },
      'headers: expected',
    ],
    ['a signal that is none', 'createAccessToken', grant, { signal: {} }, 'signal: expected an AbortSignal'],
    [
      'a header that is no string',
      'createAccessToken',
      grant,
      { headers: { a: 1 } },
      'headers: expected an object',
    ],
  ])('%s', async (_, operation, request, options, message) => {
    const server = await serve(tokenReply());
    const client = clientOf(server.url);
    // Calls as plain JavaScript makes them.
    const error = await rejection(Reflect.apply(client[operation], client, [request, options]));
    expect(error).toBeInstanceOf(MoovConfigError);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain(secret);
    expect(server.requests).toEqual([]);
  });
});
