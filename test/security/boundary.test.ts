import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import axios, { AxiosHeaders, type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { describe, expect, it, onTestFinished } from 'vitest';
import { reservedSettings } from '../../src/config/reserved-axios-settings.js';
import {
  type MoovAuthOptions,
  MoovConfigError,
  MoovOriginError,
  moovAuth,
  moovPath,
} from '../../src/index.js';
import { createMoovSandbox } from '../../src/sandbox/index.js';
import { transports } from '../helpers/transports.js';
import { found, needlesOf } from './secrets.js';
import { type Elsewhere, json, startElsewhere } from './servers.js';
import { outcome, type Started, start } from './start.js';

interface Places {
  /** Host and port of Moov, and of the server that is not Moov. */
  moov: string;
  evil: string;
}

type Target = readonly [name: string, url: (places: Places) => unknown];

/** URLs that are refused before a byte is sent. */
const refused: readonly Target[] = [
  ['absolute', ({ evil }) => `http://${evil}/x`],
  ['absolute, in capitals', ({ evil }) => `HTTP://${evil}/x`],
  ['absolute, https', ({ evil }) => `https://${evil}/x`],
  ['absolute, https at Moov’s own host', ({ moov }) => `https://${moov}/x`],
  ['absolute, another name for the same machine', ({ evil }) => `http://localhost:${evil.split(':')[1]}/x`],
  ['absolute, Moov’s host with another port', () => 'http://127.0.0.1/x'],
  ['absolute, Moov’s host as a subdomain', ({ moov }) => `http://${moov}.evil.example/x`],
  ['absolute, cannot be parsed', () => 'http://[::1/x'],
  ['absolute, without a host', () => 'http:///x'],
  ['a scheme without slashes', () => 'https:evil.example'],
  ['a scheme without slashes, that of Moov', ({ evil }) => `http:${evil}/x`],
  ['a scheme with one slash', ({ evil }) => `HTTPS:/${evil}/x`],
  ['a scheme alone', () => 'file:'],
  ['ftp', ({ evil }) => `ftp://${evil}/x`],
  ['ws', ({ evil }) => `ws://${evil}/x`],
  ['file', () => 'file:///etc/passwd'],
  ['a scheme nobody knows', ({ evil }) => `moov+evil.1-x://${evil}/x`],
  ['unix', () => 'unix://var/run/docker.sock'],
  ['protocol-relative', ({ evil }) => `//${evil}/x`],
  ['protocol-relative, to Moov itself', ({ moov }) => `//${moov}/x`],
  ['three slashes', ({ evil }) => `///${evil}/x`],
  ['many slashes', ({ evil }) => `//////${evil}/x`],
  ['user info before another host', ({ moov, evil }) => `http://${moov}@${evil}/x`],
  ['user info before Moov', ({ moov }) => `http://user:password@${moov}/x`],
  ['a user before Moov', ({ moov }) => `http://user@${moov}/x`],
  ['a password before Moov', ({ moov }) => `http://:password@${moov}/x`],
  ['user info with a slash', ({ moov, evil }) => `http://${moov}%2f@${evil}/x`],
  ['backslashes', ({ evil }) => `\\\\${evil}\\x`],
  ['slash, backslash', ({ evil }) => `/\\${evil}/x`],
  ['backslash, slash', ({ evil }) => `\\/${evil}/x`],
  ['backslashes after the scheme', ({ evil }) => `http:\\\\${evil}/x`],
  ['a backslash in the path', () => '/accounts\\..\\..\\oauth2/token'],
  ['a backslash in the query', () => '/accounts?a=\\'],
  ['a tab at the beginning', ({ evil }) => `\t//${evil}/x`],
  ['a tab between slashes', ({ evil }) => `/\t/${evil}/x`],
  ['a newline between slashes', ({ evil }) => `/\n/${evil}/x`],
  ['a carriage return in the scheme', ({ evil }) => `ht\rtp://${evil}/x`],
  ['a newline and a header', () => '/accounts HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
  ['NUL', () => '/accounts\0/x'],
  ['DEL', () => '/accounts\x7f'],
  ['ESC', () => '/accounts\x1b'],
  ['a space', () => '/accounts /x'],
  ['a space at the beginning', ({ evil }) => ` http://${evil}/x`],
  ['dots', () => '/accounts/../oauth2/token'],
  ['a dot', () => '/accounts/./x'],
  ['dots at the beginning', () => '../oauth2/token'],
  ['dots alone', () => '..'],
  ['a dot alone', () => '.'],
  ['dots at the end', () => '/accounts/..'],
  ['dots before a query', () => '/accounts/..?x=1'],
  ['dots before a fragment', () => '/accounts/..#x'],
  ['dots in an absolute URL of Moov', ({ moov }) => `http://${moov}/accounts/../oauth2/token`],
  ...['%2e%2e', '%2E%2E', '%2e.', '.%2e', '.%2E', '%2e', '%2E'].flatMap((dots): Target[] => [
    [`${dots}`, () => `/accounts/${dots}/x`],
    [`${dots} at the end`, () => `/accounts/${dots}`],
    [`${dots} at the beginning`, () => `${dots}/x`],
  ]),
  ['a URL object', ({ evil }) => new URL(`http://${evil}/x`)],
  ['a URL object of Moov', ({ moov }) => new URL(`http://${moov}/x`)],
  ['a String object', ({ evil }) => Object(`http://${evil}/x`)],
  ['a list', ({ evil }) => [`http://${evil}/x`]],
  ['a number', () => 1],
  ['true', () => true],
  ['null', () => null],
  ['a function', () => () => '/x'],
  ['an object that changes its mind', ({ evil }) => changing('/x', `http://${evil}/x`)],
];

/** URLs that look bad, and lead to Moov alone; with the path that Moov sees. */
const harmless: readonly (readonly [url: (places: Places) => string, path: (places: Places) => string])[] = [
  [() => 'javascript:alert(1)', () => '/javascript:alert(1)'],
  [() => 'data:text/plain,x', () => '/data:text/plain,x'],
  [({ evil }) => evil, ({ evil }) => `/${evil}`],
  [({ evil }) => `@${evil}/x`, ({ evil }) => `/@${evil}/x`],
  [({ evil }) => `:x@${evil}`, ({ evil }) => `/:x@${evil}`],
  [({ evil }) => `.${evil}`, ({ evil }) => `/.${evil}`],
  [({ evil }) => `?//${evil}`, ({ evil }) => `/?//${evil}`],
  [({ evil }) => `#//${evil}/x`, () => '/'],
  [({ evil }) => `/accounts#@${evil}`, () => '/accounts'],
  [({ moov, evil }) => `http://${moov}#@${evil}/x`, () => '/'],
  [({ moov, evil }) => `http://${moov}?@${evil}/x`, ({ evil }) => `/?@${evil}/x`],
  [({ moov }) => `HTTP://${moov}/accounts`, () => '/accounts'],
  [() => '/accounts//x', () => '/accounts//x'],
  [() => '/accounts/...', () => '/accounts/...'],
  [() => '/accounts/..;/x', () => '/accounts/..;/x'],
  [() => '/accounts/%252e%252e/x', () => '/accounts/%252e%252e/x'],
  [() => '/accounts/%2f..%2fx', () => '/accounts/%2f..%2fx'],
  [() => '/accounts/%5c..%5cx', () => '/accounts/%5c..%5cx'],
  [() => '/accounts/%00%0d%0a', () => '/accounts/%00%0d%0a'],
  [() => '/accounts?next=../..', () => '/accounts?next=../..'],
  [() => '/accounts/ü', () => '/accounts/%C3%BC'],
  [() => '/accounts/％２e', () => '/accounts/%EF%BC%85%EF%BC%92e'],
  [() => '／／evil.example', () => '/%EF%BC%8F%EF%BC%8Fevil.example'],
  [() => '', () => '/'],
];

function changing(first: string, then: string): object {
  let reads = 0;
  return { toString: () => (reads++ === 0 ? first : then) };
}

type Refusal = readonly [
  name: string,
  config: (elsewhere: Elsewhere, instance: AxiosInstance) => AxiosRequestConfig,
];

const never = () => Promise.reject(new Error('this adapter must not be used'));

/** Settings of a call that are refused before a byte is sent. Some are of types that the compiler would refuse. */
const settings: readonly Refusal[] = [
  ['baseURL', ({ url }) => ({ baseURL: url })],
  ['baseURL, protocol-relative', ({ port }) => ({ baseURL: `//127.0.0.1:${port}` })],
  ['baseURL, empty, and an absolute path', ({ port }) => ({ baseURL: '', url: `//127.0.0.1:${port}/x` })],
  ['baseURL, empty', () => ({ baseURL: '' })],
  ['baseURL, null', () => untyped({ baseURL: null })],
  ['baseURL, an object', ({ url }) => untyped({ baseURL: new URL(url) })],
  ['baseURL with allowAbsoluteUrls', ({ url }) => ({ baseURL: url, allowAbsoluteUrls: false })],
  ['auth', () => ({ auth: { username: 'a', password: 'b' } })],
  ['auth, empty', () => untyped({ auth: {} })],
  ['adapter, a function', () => ({ adapter: never })],
  ['adapter, Axios’s http', () => ({ adapter: 'http' })],
  ['adapter, Axios’s fetch', () => ({ adapter: 'fetch' })],
  ['adapter, a list', () => ({ adapter: ['xhr', 'http'] })],
  ['adapter, null', () => untyped({ adapter: null })],
  ['socketPath', () => ({ socketPath: '/var/run/docker.sock' })],
  [
    'socketPath, allowed by the call itself',
    () => ({ socketPath: '/tmp/x', allowedSocketPaths: ['/tmp/x'] }),
  ],
  ['maxRedirects', () => ({ maxRedirects: 5 })],
  ['maxRedirects, a string', () => untyped({ maxRedirects: '5' })],
  ['maxRedirects, null', () => untyped({ maxRedirects: null })],
  ['beforeRedirect', () => ({ beforeRedirect: () => undefined })],
  ['transport', () => ({ transport: http })],
  ['httpVersion', () => ({ httpVersion: 2 })],
  ['proxy', ({ port }) => ({ proxy: { host: '127.0.0.1', port } })],
  ['proxy, a URL', ({ url }) => untyped({ proxy: new URL(url) })],
  ['proxy, false', () => ({ proxy: false })],
  ['cancelToken', () => ({ cancelToken: axios.CancelToken.source().token })],
  ['axios-retry with a condition', () => ({ 'axios-retry': { retries: 3, retryCondition: () => true } })],
  ['axios-retry with a hook', () => ({ 'axios-retry': { onRetry: () => undefined } })],
  ['axios-retry with a delay', () => ({ 'axios-retry': { retryDelay: () => 0 } })],
  ['axios-retry, a function', () => untyped({ 'axios-retry': () => true })],
  ...['Authorization', 'authorization', 'AUTHORIZATION', 'aUtHoRiZaTiOn', ' Authorization '].map(
    (name): Refusal => [`header "${name}"`, () => ({ headers: { [name]: 'Bearer mine' } })],
  ),
  ['header Authorization, a list', () => ({ headers: { Authorization: ['Bearer mine'] } })],
  ['header Authorization, empty', () => ({ headers: { Authorization: '' } })],
  [
    'header Authorization of an AxiosHeaders',
    () => ({ headers: new AxiosHeaders({ authorization: 'Bearer mine' }) }),
  ],
  [
    'header Authorization in common',
    () => untyped({ headers: { common: { Authorization: 'Bearer mine' } } }),
  ],
  [
    'header Authorization of the method',
    () => untyped({ headers: { get: { authorization: 'Bearer mine' } } }),
  ],
  ...['Host', 'host', 'HOST'].map(
    (name): Refusal => [`header "${name}"`, () => ({ headers: { [name]: 'evil.example' } })],
  ),
];

/** What JavaScript may pass and TypeScript would refuse. */
function untyped(config: object): AxiosRequestConfig {
  return config;
}

interface Scene extends Started {
  elsewhere: Elsewhere;
  places: Places;
}

async function scene(options: MoovAuthOptions): Promise<Scene> {
  const started = await start(options);
  const elsewhere = await startElsewhere();
  await started.moov.ready();
  const places = { moov: new URL(started.fake.url).host, evil: new URL(elsewhere.url).host };
  return { ...started, elsewhere, places };
}

/** That nobody but Moov was spoken to, and by nobody was a secret seen. */
function expectNothingElsewhere({ elsewhere, secrets }: Scene): void {
  expect(found(elsewhere.bytes, needlesOf(secrets()))).toEqual([]);
  expect(elsewhere.connections).toBe(0);
}

/** Each way of making a call with a URL. */
const ways: Readonly<Record<string, (client: AxiosInstance, url: string) => Promise<unknown>>> = {
  get: (client, url) => client.get(url),
  post: (client, url) => client.post(url, { a: 1 }),
  request: (client, url) => client.request({ url, method: 'delete' }),
  'the instance itself': (client, url) => client(url),
  'its adapter': (client, url) => adapterOf(client)(url),
};

function adapterOf({ defaults }: AxiosInstance): (url: string, config?: object) => Promise<unknown> {
  const { adapter } = defaults;
  if (typeof adapter !== 'function') throw new Error('expected an adapter');
  return (url, config) => adapter({ url, method: 'get', headers: new AxiosHeaders(), ...config });
}

describe.each(transports)('req.moov talks to Moov only, on %s:', (_name, transport) => {
  describe.each(Object.entries(ways))('by %s,', (way, call) => {
    it('refuses every URL that could lead elsewhere, before a byte is sent', async () => {
      const at = await scene(transport);
      for (const [name, url] of refused) {
        const given: unknown = url(at.places);
        // There, what is no string is a config.
        if (way === 'the instance itself' && typeof given !== 'string') continue;
        const { error } = await outcome(invalid(call, at.moov.client, given));
        expect(error, name).toBeInstanceOf(Error);
        // Axios itself stumbles over some that are no strings, before this package sees them.
        if (typeof given === 'string') expect(error, name).toBeInstanceOf(MoovOriginError);
      }
      expect(at.fake.arrivals).toEqual([]);
      expectNothingElsewhere(at);
    });

    it('sends unusual URLs that lead to Moov', async () => {
      const at = await scene(transport);
      for (const [url, path] of harmless) {
        const { error } = await outcome(call(at.moov.client, url(at.places)));
        expect(error, url(at.places)).toBeUndefined();
        expect(at.fake.arrivals.at(-1), url(at.places)).toMatchObject({
          path: path(at.places),
          headers: { host: at.places.moov, authorization: `Bearer ${at.fake.issued[0]?.value}` },
        });
      }
      expect(at.fake.arrivals).toHaveLength(harmless.length);
      expectNothingElsewhere(at);
    });
  });

  it.each(settings)('refuses a call with %s, by name, before a byte is sent', async (name, config) => {
    const at = await scene(transport);
    const { client } = at.moov;
    for (const method of ['get', 'post'] as const) {
      const given = { url: '/accounts', method, ...config(at.elsewhere, client) };
      if (name.includes('of the method') && method === 'post') continue;
      const { error } = await outcome(client.request(given));
      expect(error).toBeInstanceOf(name.includes('absolute path') ? Error : MoovConfigError);
      const word = /^header "?\s*(\w+)/.exec(name)?.[1] ?? /^[\w-]+/.exec(name)?.[0] ?? '';
      if (error instanceof MoovConfigError) expect(error.message.toLowerCase()).toContain(word.toLowerCase());
    }
    expect(at.fake.arrivals).toEqual([]);
    expectNothingElsewhere(at);
  });

  it('makes no further instances, whose interceptors and defaults would be open', async () => {
    const at = await scene(transport);
    expect(() => at.moov.client.create()).toThrow(MoovConfigError);
    expect(() => at.moov.client.create({ adapter: axios.getAdapter('http') })).toThrow(/configure/);
    expectNothingElsewhere(at);
  });

  it.each(settings.filter(([name]) => !name.startsWith('adapter')))(
    'refuses %s from an interceptor',
    async (_setting, config) => {
      const given: { config?: AxiosRequestConfig } = {};
      const at = await scene({
        ...transport,
        configure: (instance) => {
          instance.interceptors.request.use((call) => {
            const { headers, ...rest } = given.config ?? {};
            call.headers.set(AxiosHeaders.concat(untypedHeaders(headers)), true);
            return Object.assign(call, rest);
          });
        },
      });
      given.config = config(at.elsewhere, at.moov.client);
      await outcome(at.moov.client.get('/accounts'));
      for (const { headers } of at.fake.arrivals) {
        // What does arrive is as this package made it, or has no token.
        expect([undefined, `Bearer ${at.fake.issued[0]?.value}`]).toContain(headers.authorization);
        expect(headers.host).toBe(at.places.moov);
      }
      expectNothingElsewhere(at);
    },
  );

  it('checks what interceptors of the application change', async () => {
    const change: { now: (config: AxiosRequestConfig) => void } = { now: () => undefined };
    const at = await scene({
      ...transport,
      configure: (instance) => {
        instance.interceptors.request.use((config) => {
          change.now(config);
          return config;
        });
      },
    });
    const changes: ((config: AxiosRequestConfig) => void)[] = [
      (config) => Object.assign(config, { baseURL: at.elsewhere.url }),
      (config) => Object.assign(config, { url: `${at.elsewhere.url}/x` }),
      (config) => Object.assign(config, { url: '/accounts/%2e%2e/oauth2/token' }),
      (config) => Object.assign(config, { adapter: axios.getAdapter('http'), baseURL: at.elsewhere.url }),
      (config) => Object.assign(config, { adapter: axios.getAdapter('http') }),
      (config) => Object.assign(config, { maxRedirects: 5 }),
      (config) => Object.assign(config, { socketPath: '/tmp/x' }),
      (config) => Object.assign(config, { proxy: { host: '127.0.0.1', port: at.elsewhere.port } }),
      (config) => Object.assign(config.headers ?? {}, { authorization: 'Bearer mine' }),
      (config) => Object.assign(config.headers ?? {}, { host: 'evil.example' }),
      (config) => Object.assign(config, { headers: new AxiosHeaders({ Authorization: 'Bearer mine' }) }),
    ];
    for (const one of changes) {
      change.now = one;
      const { error } = await outcome(at.moov.client.get('/accounts'));
      expect([MoovConfigError.name, MoovOriginError.name]).toContain(
        error instanceof Error ? error.name : 'none',
      );
    }
    expect(at.fake.arrivals).toEqual([]);
    expectNothingElsewhere(at);
  });

  it('cannot be led away by params', async () => {
    const at = await scene(transport);
    const { evil } = at.places;
    const configs: AxiosRequestConfig[] = [
      { params: { a: `@${evil}/../..` } },
      { params: { [`//${evil}`]: '#' } },
      { params: new URLSearchParams({ '/..': '\r\nHost: evil.example' }) },
      { params: { a: 1 }, paramsSerializer: { serialize: () => `#@${evil}/../x` } },
      { params: { a: 1 }, paramsSerializer: { serialize: () => `//${evil}/%2e%2e/` } },
      { params: { a: 1 }, paramsSerializer: { encode: () => `/../../@${evil}` } },
      { url: '', params: { a: `.${evil}` } },
      { url: '?', params: { a: 1 }, paramsSerializer: { serialize: () => `@${evil}` } },
    ];
    for (const config of configs) await outcome(at.moov.client.request({ url: '/accounts', ...config }));
    expect(at.fake.arrivals).toHaveLength(configs.length);
    for (const { path, headers } of at.fake.arrivals) {
      expect(path.split('?')[0]).toMatch(/^\/(accounts)?$/);
      expect(headers.host).toBe(at.places.moov);
    }
    const splitting = await outcome(
      at.moov.client.get('/accounts', {
        params: { a: 1 },
        paramsSerializer: { serialize: () => 'a HTTP/1.1\r\nHost: evil.example\r\n\r\nGET /oauth2/token' },
      }),
    );
    expect(splitting.error).toBeInstanceOf(Error);
    expect(at.fake.arrivals).toHaveLength(configs.length);
    expectNothingElsewhere(at);
  });

  it('lets no header be smuggled in by a value', async () => {
    const at = await scene(transport);
    for (const value of [
      'a\r\nHost: evil.example',
      'a\nAuthorization: Bearer mine',
      'a\0b',
      'a\r\n\r\nGET / HTTP/1.1',
    ]) {
      await outcome(at.moov.client.get('/accounts', { headers: { 'X-Trace': value } }));
    }
    for (const { path, headers } of at.fake.arrivals) {
      expect(path).toBe('/accounts');
      expect(headers.host).toBe(at.places.moov);
      expect(headers.authorization).toBe(`Bearer ${at.fake.issued[0]?.value}`);
    }
    expectNothingElsewhere(at);
  });

  describe.each(['json', 'stream'] as const)('redirects, responseType %s,', (responseType) => {
    const elsewhere: readonly Target[] = [
      ['absolute', ({ evil }) => `http://${evil}/x`],
      ['protocol-relative', ({ evil }) => `//${evil}/x`],
      ['with backslashes', ({ evil }) => `\\\\${evil}\\x`],
      ['with user info', ({ moov, evil }) => `http://${moov}@${evil}/x`],
      ['to https', ({ moov }) => `https://${moov}/x`],
      ['to another scheme', () => 'file:///etc/passwd'],
      ['that cannot be parsed', () => 'http://[::1/x'],
      ['with a tab', ({ evil }) => `/\t/${evil}/x`],
    ];
    it.each([300, 301, 302, 303, 307, 308])('%i are followed nowhere', async (status) => {
      const at = await scene(transport);
      let location = '';
      at.fake.api = (_request, response) => json(response, status, {}, { location });
      for (const [name, url] of elsewhere) {
        location = String(url(at.places));
        for (const method of ['get', 'post', 'delete']) {
          const { error } = await outcome(at.moov.client.request({ url: '/accounts', method, responseType }));
          expect(error, name).toBeInstanceOf(MoovOriginError);
          expect(error, name).toMatchObject({ upstreamStatus: status });
        }
      }
      for (const here of ['/x', 'x', '?x', '#x', '', `http://${at.places.moov}/x`, `//${at.places.moov}/x`]) {
        location = here;
        const { error } = await outcome(at.moov.client.get('/accounts', { responseType }));
        expect(error, here).toMatchObject({ isAxiosError: true, response: { status } });
      }
      expect(at.fake.arrivals.map(({ path }) => path)).toEqual(
        Array.from({ length: elsewhere.length * 3 + 7 }, () => '/accounts'),
      );
      expectNothingElsewhere(at);
    });

    it('are not followed when validateStatus accepts them', async () => {
      const at = await scene(transport);
      at.fake.api = (_request, response) => json(response, 302, {}, { location: `${at.elsewhere.url}/x` });
      await outcome(at.moov.client.get('/accounts', { responseType, validateStatus: null }));
      await outcome(at.moov.client.get('/accounts', { responseType, validateStatus: () => true }));
      expect(at.fake.arrivals).toHaveLength(2);
      expectNothingElsewhere(at);
    });
  });

  it('takes no redirect of the token endpoint', async () => {
    const elsewhere = await startElsewhere();
    const { moov, secrets } = await start(transport, (fake) => {
      fake.token = (_request, response) =>
        json(response, 307, {}, { location: `${elsewhere.url}/oauth2/token` });
    });
    const { error } = await outcome(moov.ready());
    expect(error).toBeInstanceOf(MoovOriginError);
    expect(elsewhere.connections).toBe(0);
    expect(found(elsewhere.bytes, needlesOf(secrets()))).toEqual([]);
  });

  it('refuses HTTP/2, over which nothing reports when a request was sent', async () => {
    const server = http2.createServer();
    let requests = 0;
    server.on('stream', (stream) => {
      requests++;
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const make = (axiosOptions: AxiosRequestConfig) => {
      const moov = moovAuth('/ping.read', {
        ...transport,
        clientId: 'id',
        clientSecret: 'secret',
        baseURL: `http://127.0.0.1:${port}`,
        axios: axiosOptions,
      });
      onTestFinished(() => moov.close());
    };
    expect(() => make({ httpVersion: 2 })).toThrow(MoovConfigError);
    expect(requests).toBe(0);
  });
});

describe.each(transports)('moovPath, on %s,', (_name, transport) => {
  const values: readonly (string | number)[] = [
    '../oauth2/token',
    '..%2foauth2',
    'a/b',
    'a\\b',
    '\\',
    '/',
    '//evil.example',
    'http://evil.example/',
    'https:evil.example',
    '?x',
    'a?b=c&d',
    '#',
    'a#b',
    '%',
    '%2e%2e',
    '%2E%2e%2F',
    '%252e',
    '%00',
    '...',
    '.a',
    'a.',
    '..a',
    ' ',
    'a b',
    '\t',
    '\r\nHost: evil.example',
    '\0',
    '\x7f',
    ';',
    '..;',
    ':',
    '@evil.example',
    'a+b',
    '\'"`$(x)',
    '<script>',
    '{}[]|^~!*',
    'grüße',
    '日本語',
    '👩‍👩‍👧',
    'e\u0301',
    '\u202e',
    '．．',
    '／',
    '\uffff',
    0,
    -1,
    1.5,
    1e21,
    Number.MAX_SAFE_INTEGER,
  ];

  it.each(values)('makes exactly one segment of %j, as the sandbox sees it', async (value) => {
    const sandbox = createMoovSandbox();
    await sandbox.listen();
    onTestFinished(() => sandbox.close());
    const moov = moovAuth('/accounts.read', { ...sandbox.options, ...transport, retries: 0 });
    onTestFinished(() => moov.close());
    await outcome(moov.client.get(moovPath`/accounts/${value}/transfers/${value}?q=${value}`));
    const { path } = sandbox.requests.at(-1) ?? { path: '' };
    const [pathname = '', query = ''] = path.split('?');
    const segments = pathname.split('/');
    expect(segments).toHaveLength(5);
    expect([segments[1], segments[3]]).toEqual(['accounts', 'transfers']);
    expect([segments[2], segments[4]].map((segment) => decodeURIComponent(segment ?? ''))).toEqual([
      String(value),
      String(value),
    ]);
    expect(path.split('?')).toHaveLength(2);
    expect(decodeURIComponent(query.slice(2))).toBe(String(value));
    // Nor does a server that parses it as a URL come to something else.
    expect(new URL(path, sandbox.url).pathname).toBe(pathname);
  });

  const bad: readonly unknown[] = [
    '',
    '.',
    '..',
    '\ud800',
    'a\udc00',
    '\ude00\ud83d',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    null,
    true,
    1n,
    Symbol('x'),
    {},
    [],
    ['a'],
    Object('a'),
    () => 'a',
    new Date(0),
  ];

  it.each(bad.map((value) => [value]))('refuses %s', (value) => {
    const make = () => Reflect.apply(moovPath, undefined, [template`/accounts/${0}/x`, value]);
    expect(make).toThrow(MoovConfigError);
    expect(make).toThrow(/value 1/);
  });

  it('never tells a value', () => {
    const value = 'a secret value \ud800';
    expect(() => moovPath`/accounts/${'fine'}/${value}`).toThrow(/value 2/);
    expect(() => moovPath`/accounts/${'fine'}/${value}`).not.toThrow(/a secret value/);
  });
});

function template(strings: TemplateStringsArray, ..._values: unknown[]): TemplateStringsArray {
  return strings;
}

/** A call with a URL that the compiler would refuse. */
function invalid(
  call: (client: AxiosInstance, url: string) => Promise<unknown>,
  client: AxiosInstance,
  url: unknown,
): Promise<unknown> {
  return (async () => Reflect.apply(call, undefined, [client, url]))();
}

function untypedHeaders(headers: unknown): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) Object.assign(flat, value);
    else flat[name] = String(value);
  }
  return flat;
}

// A setting that is refused from now on is to be tried here too.
it('tries every setting that is refused by name', () => {
  for (const name of reservedSettings)
    expect(
      settings.some(([tried]) => tried.startsWith(name)),
      name,
    ).toBe(true);
});
