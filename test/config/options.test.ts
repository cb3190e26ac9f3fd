import axiosPackage, { AxiosHeaders } from 'axios';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readAuthOptions, readOAuthOptions } from '../../src/config/resolve.js';
import { MoovConfigError, MoovOAuthClient, moovAuth } from '../../src/index.js';
import { expectNoSecret } from '../helpers/printed.js';

const SECRET = 'sk_live_must-not-show';
const key = { clientId: 'pk', clientSecret: 'sk' };
const local = { ...key, baseURL: 'http://127.0.0.1:8080' };
const atMoov = { ...key, origin: 'https://app.example.com' };

/** Options as plain JavaScript may have them. */
type Loose = Record<string, unknown>;

function read(options: unknown, env: Record<string, string> = {}) {
  return readAuthOptions(Object(options), env);
}

/** The message of the refusal; checked to be a MoovConfigError that shows no secret. */
function refusal(options: unknown, env: Record<string, string> = {}): string {
  try {
    Reflect.apply(readAuthOptions, undefined, [options, env]);
  } catch (error) {
    expect(error).toBeInstanceOf(MoovConfigError);
    expect(error).toMatchObject({ code: 'ERR_MOOV_CONFIG', status: 500 });
    expectNoSecret(error, SECRET);
    return error instanceof Error ? error.message : '';
  }
  throw new Error('expected the options to be refused');
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('defaults', () => {
  test('of moovAuth', () => {
    expect(read(atMoov)).toEqual({
      origin: 'https://app.example.com',
      baseURL: 'https://api.moov.io',
      apiVersion: 'v2024.01.00',
      clientAuth: 'basic',
      transport: 'undici',
      renewWith: 'client_credentials',
      timeoutMs: 30_000,
      attemptTimeoutMs: 10_000,
      tokenTimeoutMs: 10_000,
      retries: 3,
      retryBudget: true,
      rateLimit: 'adaptive',
      maxTokens: 10_000,
      clientId: expect.any(Function),
      credentials: expect.any(Function),
    });
  });

  test('of MoovOAuthClient, which needs no key, because each request may have one', () => {
    expect(readOAuthOptions({ origin: 'https://app.example.com' }, {})).toEqual({
      origin: 'https://app.example.com',
      baseURL: 'https://api.moov.io',
      apiVersion: 'v2024.01.00',
      clientAuth: 'basic',
      transport: 'undici',
      timeoutMs: 10_000,
      retries: 2,
      clientId: expect.any(Function),
      credentials: expect.any(Function),
    });
  });

  test('undefined counts as absent', () => {
    expect(read({ ...atMoov, retries: undefined, baseURL: undefined, logger: undefined })).toMatchObject({
      retries: 3,
      baseURL: 'https://api.moov.io',
    });
  });
});

describe('variables', () => {
  const variables = {
    MOOV_CLIENT_ID: 'id-1',
    MOOV_PUBLIC_KEY: 'id-2',
    MOOV_CLIENT_SECRET: 'secret-1',
    MOOV_SECRET_KEY: 'secret-2',
    MOOV_ORIGIN: 'https://env.example.com',
    MOOV_BASE_URL: 'https://proxy.example.com/moov/',
    MOOV_API_VERSION: 'v2026.10.00',
    MOOV_ACCOUNT_ID: '5a9b3c0e-0000-4000-8000-00000000000a',
  };

  test('each sets its option', async () => {
    const settings = read({}, variables);
    expect(settings).toMatchObject({
      origin: 'https://env.example.com',
      baseURL: 'https://proxy.example.com/moov',
      apiVersion: 'v2026.10.00',
      platformAccountID: variables.MOOV_ACCOUNT_ID,
    });
    expect(await settings.credentials()).toEqual({ clientId: 'id-1', clientSecret: 'secret-1' });
  });

  test('MOOV_PUBLIC_KEY and MOOV_SECRET_KEY do when MOOV_CLIENT_ID and MOOV_CLIENT_SECRET are not set, or empty', async () => {
    const { MOOV_CLIENT_ID: _id, MOOV_CLIENT_SECRET: _secret, ...rest } = variables;
    for (const env of [rest, { ...rest, MOOV_CLIENT_ID: '', MOOV_CLIENT_SECRET: '' }]) {
      expect(await read({}, env).credentials()).toEqual({ clientId: 'id-2', clientSecret: 'secret-2' });
    }
  });

  test('an option overrides its variable, also a wrong one', async () => {
    const env = { ...variables, MOOV_API_VERSION: 'nonsense', MOOV_ORIGIN: 'nonsense' };
    const settings = read({ ...atMoov, apiVersion: 'v2025.04.00', baseURL: 'https://api.moov.io' }, env);
    expect(settings).toMatchObject({ origin: atMoov.origin, apiVersion: 'v2025.04.00' });
    expect(await settings.credentials()).toEqual(key);
  });

  test('an empty variable counts as not set', () => {
    expect(read(atMoov, { MOOV_BASE_URL: '', MOOV_API_VERSION: '' })).toMatchObject({
      baseURL: 'https://api.moov.io',
      apiVersion: 'v2024.01.00',
    });
  });

  test.each([
    ['MOOV_ORIGIN', 'https://app.example.com/', 'origin: expected a domain', 'as MOOV_ORIGIN.'],
    ['MOOV_BASE_URL', 'api.moov.io', 'baseURL: expected an https URL', 'as MOOV_BASE_URL.'],
    ['MOOV_API_VERSION', '2024-01-00', 'apiVersion: expected vYYYY.QQ.BB', 'as MOOV_API_VERSION.'],
    [
      'MOOV_CLIENT_ID',
      'pk\n',
      "clientId: expected the API key's public key",
      'MOOV_CLIENT_ID or MOOV_PUBLIC_KEY.',
    ],
    ['MOOV_PUBLIC_KEY', 'pk\n', 'clientId: expected', 'as MOOV_CLIENT_ID or MOOV_PUBLIC_KEY.'],
    [
      'MOOV_CLIENT_SECRET',
      `${SECRET}\n`,
      "clientSecret: expected the API key's secret",
      'without line breaks',
    ],
    ['MOOV_SECRET_KEY', `${SECRET}\r`, 'clientSecret: expected', 'as MOOV_CLIENT_SECRET or MOOV_SECRET_KEY.'],
    ['MOOV_ACCOUNT_ID', 'me', 'platformAccountID: expected', 'as MOOV_ACCOUNT_ID.'],
  ])('a wrong %s is named', (variable, value, beginning, end) => {
    const { MOOV_CLIENT_ID: _id, MOOV_CLIENT_SECRET: _secret, ...rest } = variables;
    const message = refusal({}, { ...rest, [variable]: value });
    expect(message).toContain(beginning);
    expect(message).toContain(end);
  });

  test('are those of the process', () => {
    vi.stubEnv('MOOV_BASE_URL', 'ftp://nowhere');
    expect(() => new MoovOAuthClient()).toThrow(/baseURL: .* MOOV_BASE_URL\.$/);
    expect(() => moovAuth('/ping.read', key)).toThrow(/baseURL: .* MOOV_BASE_URL\.$/);
  });
});

describe('a wrong option is named, with what was expected and what was given', () => {
  const fn = () => undefined;
  const milliseconds = 'a whole number of milliseconds from 1 to 2147483647';
  const wrongTimes: [unknown, string][] = [
    [-1, '-1'],
    [0, '0'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [2 ** 31, '2147483648'],
    ['1000', 'a string'],
    [null, 'null'],
    [10n, 'a bigint'],
  ];
  const table: [string, unknown, string, string][] = [
    ...['timeoutMs', 'attemptTimeoutMs', 'tokenTimeoutMs'].flatMap((name) =>
      wrongTimes.map(([value, got]): [string, unknown, string, string] => [name, value, milliseconds, got]),
    ),
    ['retries', -1, 'a whole number from 0 to 10', '-1'],
    ['retries', 11, 'a whole number from 0 to 10', '11'],
    ['retries', 2.5, 'a whole number from 0 to 10', '2.5'],
    ['retries', Number.NaN, 'a whole number from 0 to 10', 'NaN'],
    ['retries', Number.POSITIVE_INFINITY, 'a whole number from 0 to 10', 'Infinity'],
    ['retries', '3', 'a whole number from 0 to 10', 'a string'],
    ['retryBudget', 'yes', 'true or false', 'a string'],
    ['rateLimit', 'adaptiv', "'adaptive', { requestsPerSecond }", '"adaptiv"'],
    ['rateLimit', true, "'adaptive', { requestsPerSecond }", 'a boolean'],
    ['rateLimit', { requestsPerSecond: 0 }, 'from 1 to 10,000', 'an object'],
    ['rateLimit', { requestsPerSecond: 40, burst: 8 }, 'from 1 to 10,000', 'an object'],
    ['clientId', '', "the API key's public key", 'an empty string'],
    ['clientId', null, "the API key's public key", 'null'],
    ['clientId', { SECRET }, "the API key's public key", 'an object'],
    ['clientId', `${SECRET}\n`, 'without line breaks', 'a string with a line break at its end'],
    ['clientId', 4711_0815, "the API key's public key", 'a number'],
    ['clientSecret', '', "the API key's secret key", 'an empty string'],
    ['clientSecret', [SECRET], "the API key's secret key", 'a list'],
    ['clientSecret', `${SECRET}\u0000`, 'without', 'a string with a control character in it'],
    ['clientSecret', `"${SECRET}"`, 'quotes around it', 'a string in quotes'],
    ['clientSecret', ` ${SECRET}`, 'blanks', 'a string with a blank at its beginning'],
    ['clientId', `${SECRET} `, 'blanks', 'a string with a blank at its end'],
    ['origin', 'https://app.example.com/', 'a domain', 'https://app.example.com/, with a slash at its end'],
    ['origin', 'https://app.example.com/path', 'a domain', 'https://app.example.com/path'],
    ['origin', `https://${SECRET}@app.example.com`, 'a domain', 'a string'],
    ['origin', `https://app.example.com?${SECRET}`, 'a domain', 'a string'],
    ['baseURL', 'http://api.moov.io', 'an https URL', 'http://api.moov.io'],
    ['platformAccountID', `${SECRET}\n`, 'a UUID', 'a string with a line break at its end'],
    ['clientSecret', 4711_0815, "the API key's secret key", 'a number'],
    ['clientSecret', Buffer.from(SECRET), "the API key's secret key", 'an object'],
    ['clientAuth', SECRET, "'basic' or 'body'", 'a string'],
    ['clientAuth', 'BASIC', "'basic' or 'body'", '"BASIC"'],
    ['clientAuth', 'x'.repeat(20), "'basic' or 'body'", 'a string'],
    ['clientAuth', 'x'.repeat(19), "'basic' or 'body'", `"${'x'.repeat(19)}"`],
    ['clientAuth', '', "'basic' or 'body'", 'an empty string'],
    ['renewWith', 'refresh-token', "'client_credentials' or 'refresh_token'", '"refresh-token"'],
    ['transport', 'fetch', "'undici', 'axios' or a Dispatcher of undici 7", '"fetch"'],
    ['apiVersion', 'v2026.10', 'vYYYY.QQ.BB', '"v2026.10"'],
    ['apiVersion', 'v2026\n', 'vYYYY.QQ.BB', '"v2026\\n"'],
    ['clientId', 'pk\n', "the API key's public key", 'a string with a line break at its end'],
    ['clientSecret', 'sk\n', "the API key's secret key", 'a string with a line break at its end'],
    ['origin', 'sk', 'a domain registered', 'a string'],
    ['transport', SECRET, "'undici', 'axios' or a Dispatcher of undici 7", 'a string'],
    ['renewWith', SECRET, "'client_credentials' or 'refresh_token'", 'a string'],
    ['origin', SECRET, 'a domain registered with the API key', 'a string'],
    ['origin', 4711_0815, 'a domain registered', 'a number'],
    ['baseURL', SECRET, 'an https URL', 'a string'],
    ['baseURL', new URL('https://api.moov.io'), 'an https URL', 'an object'],
    ['apiVersion', SECRET, 'vYYYY.QQ.BB', 'a string'],
    ['apiVersion', 4711_0815, 'vYYYY.QQ.BB', 'a number'],
    ['platformAccountID', SECRET, "the platform's own account ID, a UUID", 'a string'],
    ['accountID', SECRET, 'an account ID, a UUID, or a function of the request', 'a string'],
    ['accountID', [], 'an account ID, a UUID, or a function of the request', 'a list'],
    ['maxTokens', 0, 'a whole number from 1 to 1,000,000', '0'],
    ['maxTokens', 1.5, 'a whole number from 1 to 1,000,000', '1.5'],
    ['maxTokens', 1_000_001, 'a whole number from 1 to 1,000,000', '1000001'],
    ['axios', SECRET, 'an object of Axios settings', 'a string'],
    ['axios', null, 'an object of Axios settings', 'null'],
    ['axios', [], 'an object of Axios settings', 'a list'],
    ['axios', fn, 'an object of Axios settings', 'a function'],
    ['configure', {}, 'a function of the Axios instance', 'an object'],
    [
      'logger',
      true,
      'an object with the functions debug, info, warn and error, a function, or false',
      'a boolean',
    ],
    ['logger', { debug: fn, info: fn, warn: fn }, 'debug, info, warn and error', 'an object'],
    ['logger', { debug: fn, info: fn, warn: fn, error: 'no' }, 'debug, info, warn and error', 'an object'],
    ['store', {}, 'a token store, such as redisTokenStore({ client, encryptionKey })', 'an object'],
    ['onEvent', true, 'a function of the event', 'a boolean'],
  ];

  test.each(table)('%s: %o', (name, value, what, got) => {
    const message = refusal({ ...atMoov, [name]: value });
    expect(message).toMatch(new RegExp(`^${name}: expected `));
    expect(message).toContain(what);
    expect(message).toContain(`; got ${got}.`);
    expect(message).not.toContain('4711');
  });

  test('every option is in this table', () => {
    const message = refusal({ ...atMoov, nonsense: 1 });
    const known = message.replace(/^.*Options are (.*)\.$/, '$1').split(', ');
    expect(new Set(table.map(([name]) => name))).toEqual(new Set(known));
  });

  test('a missing key is named, with its variables', () => {
    expect(refusal({ ...atMoov, clientId: undefined })).toBe(
      "clientId: expected the API key's public key: a non-empty string without line breaks, quotes around it or blanks at its ends, or a function that returns one or { clientId, clientSecret }; got none. Set it in the options or as MOOV_CLIENT_ID or MOOV_PUBLIC_KEY.",
    );
    expect(refusal({ ...atMoov, clientSecret: undefined })).toMatch(
      /^clientSecret: .*; got none\. Set it in the options or as MOOV_CLIENT_SECRET or MOOV_SECRET_KEY\.$/,
    );
  });

  test('all that are missing are named at once', () => {
    expect(refusal({})).toBe(
      'moovAuth: clientId (MOOV_CLIENT_ID or MOOV_PUBLIC_KEY), clientSecret (MOOV_CLIENT_SECRET or MOOV_SECRET_KEY) and origin (MOOV_ORIGIN) are missing. Set them in the options or as the variables in brackets.',
    );
    expect(refusal({ baseURL: local.baseURL })).toMatch(
      /^moovAuth: clientId \(.*\) and clientSecret \([^)]*\) are missing\./,
    );
    expect(refusal({ Origin: 'x' })).toContain('Did you mean "origin"?');
  });

  test('an unknown one is named, and never its value', () => {
    expect(refusal({ ...atMoov, client_secret: SECRET, scope: SECRET })).toMatch(
      /^moovAuth: unknown option "client_secret", "scope"\. Did you mean "clientSecret"\? Options are clientId, clientSecret, /,
    );
    expect(() => Reflect.construct(MoovOAuthClient, [{ ...atMoov, renewWith: 'refresh_token' }])).toThrow(
      'MoovOAuthClient: unknown option "renewWith"',
    );
  });

  test.each([
    ['accountId', 'accountID'],
    ['BASEURL', 'baseURL'],
    ['timeoutMS', 'timeoutMs'],
    ['timeout', 'timeoutMs'],
    ['timeouts', undefined],
    ['retry', undefined],
    ['axi', undefined],
    ['clientSecrets', 'clientSecret'],
    ['axio', 'axios'],
    ['scope', undefined],
    ['maxToken', 'maxTokens'],
    ['on', undefined],
    ['logging', undefined],
    ['publicKey', undefined],
  ])('of the known ones %s is near to %s', (name, meant) => {
    const message = refusal({ ...atMoov, [name]: SECRET });
    if (meant === undefined) expect(message).toContain(`moovAuth: unknown option "${name}". Options are `);
    else
      expect(message).toContain(`moovAuth: unknown option "${name}". Did you mean "${meant}"? Options are `);
  });

  test('a misspelt option is reported, and not the missing one', () => {
    const { clientId: clientID, ...rest } = atMoov;
    expect(refusal({ ...rest, clientID })).toMatch(
      /^moovAuth: unknown option "clientID"\. Did you mean "clientId"\? /,
    );
  });

  test.each([
    ['a string', SECRET],
    ['null', null],
    ['a list', [SECRET]],
    ['a function', () => SECRET],
  ])('options that are %s', (kind, options) => {
    expect(refusal(options)).toBe(`moovAuth: expected an object of options; got ${kind}.`);
  });
});

describe('baseURL', () => {
  test.each([
    ['https://api.moov.io', 'https://api.moov.io'],
    ['https://api.moov.io/', 'https://api.moov.io'],
    ['https://proxy.example.com/moov//', 'https://proxy.example.com/moov'],
    ['https://proxy.example.com:8443', 'https://proxy.example.com:8443'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://127.255.255.254', 'http://127.255.255.254'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s is taken, without a slash at its end', (baseURL, expected) => {
    expect(read({ ...atMoov, baseURL })).toMatchObject({ baseURL: expected });
  });

  test.each([
    'http://api.moov.io',
    'http://example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://128.0.0.1',
    'http://0.0.0.0:3000',
    'http://192.168.0.1',
    'http://[::2]',
    'ftp://localhost',
    'api.moov.io',
    '//api.moov.io',
    '/moov',
    '',
    'https://',
    'https:api.moov.io',
    'https:\\\\api.moov.io',
    'https://user@api.moov.io',
    `https://user:${SECRET}@api.moov.io`,
    'https://api.moov.io?x=1',
    'https://api.moov.io?',
    'https://api.moov.io/#x',
    'https://api.moov.io#',
    ' https://api.moov.io',
    'https://api.moov.io\n',
    'https://api.mo\tov.io',
    'https://api.moov.io/a b',
    'javascript:alert(1)',
  ])('%j is refused', (baseURL) => {
    expect(refusal({ ...atMoov, baseURL })).toMatch(
      /^baseURL: expected an https URL without user info, query or fragment \(http is for loopback only\); got (an? (empty )?string|http:).*\. Set it in the options or as MOOV_BASE_URL\.$/,
    );
  });
});

describe('origin', () => {
  test.each([
    'https://app.example.com',
    'https://app.example.com:8443',
    'http://app.example.com',
    'https://xn--bcher-kva.example',
  ])('%s is taken', (origin) => {
    expect(read({ ...key, origin })).toMatchObject({ origin });
  });

  test.each([
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://app.example.com?x',
    'https://app.example.com#x',
    'https://app.example.com:443',
    'https://user@app.example.com',
    'https://a.example.com,https://b.example.com',
    'https://a.example.com https://b.example.com',
    'https://*.example.com ',
    'HTTPS://APP.EXAMPLE.COM',
    'app.example.com',
    'null',
    '',
    'ftp://app.example.com',
    'https://app.example.com\r\nX-Injected: 1',
  ])('%j is refused', (origin) => {
    for (const options of [
      { ...key, origin },
      { ...local, origin },
    ]) {
      expect(refusal(options)).toMatch(
        /^origin: expected a domain registered .* Set it .* as MOOV_ORIGIN\.$/,
      );
    }
  });

  test.each([
    'https://api.moov.io',
    'https://API.moov.io/',
    'https://sandbox.moov.io',
    'https://moov.io',
    'https://api.moov.io.',
  ])('is required with %s, and is not localhost there', (baseURL) => {
    expect(refusal({ ...key, baseURL })).toMatch(
      /^origin: expected .*; got none\. Set it .* as MOOV_ORIGIN\.$/,
    );
    for (const origin of [
      'http://localhost',
      'https://localhost:3000',
      'http://127.0.0.1:3000',
      'http://[::1]',
    ]) {
      expect(refusal({ ...key, baseURL, origin })).toMatch(
        /^origin: .*; got a loopback host\. .* MOOV_ORIGIN\.$/,
      );
    }
    expect(read({ ...atMoov, baseURL })).toHaveProperty('origin');
  });

  test.each([
    'http://127.0.0.1:8080',
    'https://proxy.example.com',
    'https://notmoov.io',
    'https://moov.io.example.com',
  ])('may be left out or be localhost with %s', (baseURL) => {
    expect(read({ ...key, baseURL })).not.toHaveProperty('origin');
    expect(read({ ...key, baseURL, origin: 'http://localhost:3000' })).toMatchObject({
      origin: 'http://localhost:3000',
    });
  });
});

describe('apiVersion', () => {
  test.each(['v2024.01.00', 'v2025.04.00', 'v2025.07.01', 'v2026.10.00', 'dev', 'latest'])(
    '%s',
    (apiVersion) => {
      expect(read({ ...atMoov, apiVersion })).toMatchObject({ apiVersion });
    },
  );

  test.each([
    'v2024.02.00',
    'v2024.1.0',
    '2024.01.00',
    'V2024.01.00',
    'v2024.01',
    'v2024.01.00 ',
    'v2024.01.00\n',
    'v2024.01.00\r\nX-Injected: 1',
    'vYYYY.QQ.BB',
    'Latest',
    '',
  ])('%j is refused', (apiVersion) => {
    expect(refusal({ ...atMoov, apiVersion })).toMatch(
      /^apiVersion: expected vYYYY\.QQ\.BB .* Set it .* as MOOV_API_VERSION\.$/,
    );
  });
});

describe('axios', () => {
  test('may configure the connection and the application’s own settings', () => {
    const axios = {
      proxy: false as const,
      headers: { 'X-Trace': 'a', common: { 'X-More': 'b' } },
      params: { a: 1 },
      maxBodyLength: 1_000,
    };
    expect(read({ ...atMoov, axios })).toMatchObject({ axios });
  });

  test.each<[string, Loose]>([
    ['baseURL', { baseURL: 'https://elsewhere.example' }],
    ['auth', { auth: { username: 'u', password: SECRET } }],
    ['adapter', { adapter: 'fetch' }],
    ['socketPath', { socketPath: '/var/run/docker.sock' }],
    ['transport', { transport: {} }],
    ['maxRedirects', { maxRedirects: 5 }],
    ['beforeRedirect', { beforeRedirect: () => undefined }],
    ['timeout', { timeout: 1_000 }],
    ['cancelToken', { cancelToken: axiosPackage.CancelToken.source().token }],
    ['proxy as a string: Axios expects an object', { proxy: `http://user:${SECRET}@proxy:8080` }],
    ['proxy as a boolean: Axios expects an object', { proxy: true }],
    ['proxy as a list: Axios expects an object', { proxy: [] }],
    ['an Authorization header', { headers: { Authorization: SECRET } }],
    ['an Authorization header', { headers: { authorization: SECRET } }],
    ['an Authorization header', { headers: { AUTHORIZATION: SECRET } }],
    ['an Authorization header', { headers: { common: { Authorization: SECRET } } }],
    ['an Authorization header', { headers: { post: { authorization: SECRET } } }],
    ['an Authorization header', { headers: new AxiosHeaders({ authorization: SECRET }) }],
  ])('with %s is refused by name: %j', (name, axios) => {
    expect(refusal({ ...atMoov, axios })).toMatch(
      new RegExp(
        `^axios: expected an object of Axios settings without .*; got one with ${name}(, \\{.*\\}, or false)?\\.$`,
      ),
    );
    expect(() => Reflect.construct(MoovOAuthClient, [{ ...atMoov, axios }])).toThrow(MoovConfigError);
  });
});

describe('the key', () => {
  test('is hidden from inspection, in both kinds of settings', () => {
    const options = { ...atMoov, clientId: 'pk-1', clientSecret: SECRET };
    expectNoSecret(read(options), SECRET);
    expectNoSecret(readOAuthOptions(options, {}), SECRET);
  });

  test('may come from functions, which are called for each token request and not before', async () => {
    const clientSecret = vi.fn(async () => 'sk-1');
    const settings = read({ ...atMoov, clientId: () => 'pk-1', clientSecret });
    expect(clientSecret).not.toHaveBeenCalled();
    expect(await settings.credentials()).toEqual({ clientId: 'pk-1', clientSecret: 'sk-1' });
    clientSecret.mockResolvedValue('sk-2');
    expect(await settings.credentials()).toEqual({ clientId: 'pk-1', clientSecret: 'sk-2' });
  });
});
