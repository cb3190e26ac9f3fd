import type { AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import axios from 'axios';
import { describe, expect, it } from 'vitest';
import { moovAuth } from '../../src/index.js';
import { type Received, serve } from '../helpers/http-server.js';
import { failure } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';
import { keyed } from './transfers.js';

/** A call that the compiler would not allow. */
function invalid(call: (config: AxiosRequestConfig) => Promise<unknown>, config: object): Promise<unknown> {
  return call(Object.assign({}, config));
}

// What was checked is what is sent: each attempt is made from what was computed then.

const token = { access_token: 'a-token', token_type: 'Bearer', expires_in: 900 };

describe.each(transports)('over %s', (_name, over) => {
  /** A call whose first attempt gets a 503, while which `change` runs; returns its requests. */
  async function attempts(
    call: (url: string) => AxiosRequestConfig,
    change: (config: InternalAxiosRequestConfig, evil: string) => void,
  ): Promise<{ received: Received[]; elsewhere: Received[] }> {
    const evil = await serve({ body: {} });
    const configs: InternalAxiosRequestConfig[] = [];
    const server = await serve(({ path }) => {
      if (path === '/oauth2/token') return { body: token };
      const [config] = configs.splice(0);
      if (config === undefined) return { body: {} };
      change(config, evil.url);
      return { status: 503, headers: { 'retry-after-ms': '5' } };
    });
    const moov = moovAuth('/ping.read', {
      ...over,
      clientId: 'id',
      clientSecret: 'a-long-secret',
      origin: 'https://app.example.com',
      baseURL: server.url,
      configure: (instance) => {
        instance.interceptors.request.use((config) => {
          configs.push(config);
          return config;
        });
      },
    });
    await moov.ready();
    await moov.client.request(call(server.url)).catch(() => undefined);
    await moov.close();
    return {
      received: server.requests.filter(({ path }) => path !== '/oauth2/token'),
      elsewhere: [...evil.requests],
    };
  }

  function expectSame([first, second, ...more]: readonly Received[]): void {
    expect(more).toEqual([]);
    expect(second).toMatchObject({
      method: first?.method,
      path: first?.path,
      headers: first?.headers,
      body: first?.body,
    });
  }

  const write: AxiosRequestConfig = {
    url: '/x?a=1',
    method: 'post',
    data: { amount: 100 },
    ...keyed('image'),
  };

  it.each<[string, (config: InternalAxiosRequestConfig, evil: string) => void]>([
    ['url', (config, evil) => Object.assign(config, { url: `${evil}/y` })],
    ['baseURL', (config, evil) => Object.assign(config, { baseURL: evil })],
    ['method', (config) => Object.assign(config, { method: 'delete' })],
    ['params', (config) => Object.assign(config, { params: { b: 2 } })],
    ['data', (config) => Object.assign(config, { data: '{"amount":999}' })],
    ['a header', (config) => void config.headers.set('X-Idempotency-Key', 'another')],
    ['all headers', (config) => Object.assign(config, { headers: new axios.AxiosHeaders({ Host: 'evil' }) })],
    ['the adapter', (config) => Object.assign(config, { adapter: axios.getAdapter('http') })],
    [
      'the proxy',
      (config, evil) => Object.assign(config, { proxy: { host: new URL(evil).hostname, port: 1 } }),
    ],
    ['lookup', (config) => Object.assign(config, { lookup: () => undefined })],
    ['transport', (config) => Object.assign(config, { transport: {} })],
    ['socketPath', (config) => Object.assign(config, { socketPath: '/nowhere' })],
    ['transformRequest', (config) => Object.assign(config, { transformRequest: () => 'changed' })],
    ['maxBodyLength', (config) => Object.assign(config, { maxBodyLength: 1 })],
    ['axios-retry', (config) => Object.assign(config, { 'axios-retry': { retries: 0 } })],
    ['the retries of axios-retry', (config) => Object.assign(config['axios-retry'] ?? {}, { retries: 0 })],
  ])('a change of %s on the config, during an attempt, changes no later one', async (_what, change) => {
    const { received, elsewhere } = await attempts(() => write, change);
    expect(received).toHaveLength(2);
    expectSame(received);
    expect(elsewhere).toEqual([]);
  });

  it('bytes that the caller changes during an attempt are sent as they were', async () => {
    const text = '{"amount":100}';
    const buffer = Buffer.from(text);
    const bytes = new TextEncoder().encode(text);
    const own = new ArrayBuffer(text.length);
    new Uint8Array(own).set(bytes);
    const form = new FormData();
    form.append('file', new Blob([text]), 'a.json');
    const parameters = new URLSearchParams({ amount: '100' });
    const object = { amount: 100 };
    const bodies: [unknown, () => void][] = [
      [buffer, () => void buffer.write('{"amount":999}')],
      [own, () => new Uint8Array(own).fill(0x39)],
      [
        form,
        () => {
          form.append('more', 'x');
          form.delete('file');
        },
      ],
      [parameters, () => parameters.set('amount', '999')],
      [
        object,
        () => {
          object.amount = 999;
        },
      ],
    ];
    for (const [data, change] of bodies) {
      const { received } = await attempts(() => ({ ...write, data }), change);
      expect(received).toHaveLength(2);
      expectSame(received);
      expect(received[1]?.body).not.toContain('999');
    }
  });

  it('a value that is another text each time it is read is read once', async () => {
    let reads = 0;
    const header = { toString: () => `value-${++reads}` };
    const params = { toString: () => 'x', a: { toJSON: () => `p-${++reads}` } };
    const call = () => ({
      ...write,
      params,
      headers: { ...keyed('image').headers, 'X-Odd': String(header) },
    });
    const { received } = await attempts(call, () => undefined);
    expect(received).toHaveLength(2);
    expectSame(received);
  });

  it.each<[string, unknown]>([
    ['a number', 5],
    ['an object with toString', { toString: () => '/accounts' }],
    ['a URL', new URL('http://127.0.0.1/accounts')],
  ])('%s as URL is refused by name', async (_what, url) => {
    const server = await serve({ body: token });
    const moov = moovAuth('/ping.read', {
      ...over,
      clientId: 'id',
      clientSecret: 'a-long-secret',
      baseURL: server.url,
    });
    const error = await failure(invalid(moov.client.request, { method: 'get', url }));
    await moov.close();
    expect(error.message).toMatch(/URL/);
    expect(server.requests.every(({ path }) => path === '/oauth2/token')).toBe(true);
  });
});

describe('a config that is another one each time it is read', () => {
  /** A property that is harmless when it is first read. */
  function turning(name: string, first: unknown, later: unknown): Record<string, unknown> {
    let reads = 0;
    const config = {};
    Object.defineProperty(config, name, {
      configurable: true,
      enumerable: true,
      get: () => (reads++ === 0 ? first : later),
    });
    return config;
  }

  it.each<[string, (evil: string) => Record<string, unknown>]>([
    [
      'proxy',
      (evil) =>
        turning('proxy', undefined, { host: new URL(evil).hostname, port: Number(new URL(evil).port) }),
    ],
    ['url', (evil) => turning('url', '/accounts', `${evil}/x`)],
    ['baseURL', (evil) => turning('baseURL', undefined, evil)],
    ['method', () => turning('method', 'get', 'delete')],
    ['data', () => turning('data', '{"amount":1}', new FormData())],
    ['params', () => turning('params', { a: 1 }, { b: 2 })],
    ['maxRedirects', () => turning('maxRedirects', 0, 5)],
    ['timeout', () => turning('timeout', 1_000, 'never')],
  ])('is sent as it was checked, or not at all: %s', async (_name, config) => {
    const evil = await serve({ body: {} });
    const server = await serve(({ path }) => (path === '/oauth2/token' ? { body: token } : { body: {} }));
    const moov = moovAuth('/ping.read', {
      clientId: 'id',
      clientSecret: 'a-long-secret',
      baseURL: server.url,
    });
    const { adapter } = moov.client.defaults;
    if (typeof adapter !== 'function') throw new Error('expected an adapter');
    const headers = new axios.AxiosHeaders();
    const given = Object.defineProperties(
      { url: '/accounts', method: 'get', headers },
      {
        ...Object.getOwnPropertyDescriptors(config(evil.url)),
      },
    );
    await Promise.resolve(adapter(given)).catch(() => undefined);
    await moov.close();
    expect(evil.requests).toEqual([]);
    const calls = server.requests.filter(({ path }) => path !== '/oauth2/token');
    const sent = calls.map(({ method, path }) => `${method} ${path}`);
    // Or it is refused.
    expect(sent.length).toBeLessThanOrEqual(1);
    for (const call of sent) expect(call).toMatch(/^GET \/accounts(\?a=1)?$/);
  });
});
