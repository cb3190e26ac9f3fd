import type { LookupAddress } from 'node:dns';
import { createServer, Agent as HTTPAgent, request } from 'node:http';
import type { AxiosRequestConfig } from 'axios';
import { Agent, type Dispatcher, interceptors, MockAgent, RetryAgent } from 'undici';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { MoovConfigError, moovAuth } from '../../src/index.js';
import { failure, startMoov, startSandbox } from '../helpers/moov.js';
import { call, rawServer, urlOf } from './columns.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A forward proxy for http that writes down what passes. */
async function proxy(): Promise<{ url: string; port: number; passed: string[] }> {
  const passed: string[] = [];
  const server = createServer((incoming, response) => {
    passed.push(incoming.url ?? '');
    const onward = request(
      incoming.url ?? '',
      { method: incoming.method, headers: incoming.headers },
      (reply) => {
        response.writeHead(reply.statusCode ?? 500, reply.headers);
        reply.pipe(response);
      },
    );
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = urlOf(server);
  return { url, port: Number(new URL(url).port), passed };
}

async function target(): Promise<string> {
  const server = await rawServer((response) => response.end('{}'));
  onTestFinished(() => server.close());
  return server.url;
}

describe('calls that need a feature undici lacks use the adapter of Axios', () => {
  test('a proxy in the config', async () => {
    const [url, { port, passed }] = [await target(), await proxy()];
    const config = { url: '/a', proxy: { host: '127.0.0.1', port } };
    expect(await call('undici', url, config)).toMatchObject({ status: 200, maybeSent: true });
    expect(passed).toEqual([`${url}/a`]);
  });

  test('a proxy in the environment, with the exceptions of NO_PROXY and "proxy: false"', async () => {
    const [url, { url: through, passed }] = [await target(), await proxy()];
    vi.stubEnv('HTTP_PROXY', through);
    vi.stubEnv('NO_PROXY', '');
    vi.stubEnv('no_proxy', '');
    expect(await call('undici', url, { url: '/a' })).toMatchObject({ status: 200 });
    expect(passed).toEqual([`${url}/a`]);
    expect(await call('undici', url, { url: '/b', proxy: false })).toMatchObject({ status: 200 });
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    expect(await call('undici', url, { url: '/c' })).toMatchObject({ status: 200 });
    expect(passed).toHaveLength(1);
  });

  test('an agent', async () => {
    const url = await target();
    let asked = 0;
    class Watched extends HTTPAgent {
      override createConnection(...given: Parameters<HTTPAgent['createConnection']>) {
        asked++;
        return super.createConnection(...given);
      }
    }
    expect(await call('undici', url, { url: '/', httpAgent: new Watched() })).toMatchObject({ status: 200 });
    expect(asked).toBe(1);
  });

  test('a lookup', async () => {
    const { port } = new URL(await target());
    let asked = '';
    const lookup: NonNullable<AxiosRequestConfig['lookup']> = async (hostname: string) => {
      asked = hostname;
      const found: LookupAddress = { address: '127.0.0.1', family: 4 };
      return [found];
    };
    const outcome = await call('undici', `http://moov.invalid:${port}`, { url: '/', lookup });
    expect(outcome).toMatchObject({ status: 200 });
    expect(asked).toBe('moov.invalid');
  });

  test('a connection header', async () => {
    const server = await rawServer((response, incoming) => response.end(`"${incoming.headers.te}"`));
    onTestFinished(() => server.close());
    expect(await call('undici', server.url, { url: '/', headers: { TE: 'trailers' } })).toMatchObject({
      data: 'trailers',
    });
  });
});

describe('a Dispatcher', () => {
  test('carries API calls and token requests, is not closed, and ignores proxies of the environment', async () => {
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
    const paths: string[] = [];
    class Watched extends Agent {
      override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
        paths.push(options.path);
        return super.dispatch(options, handler);
      }
    }
    const transport = new Watched();
    const { moov } = await startMoov({ transport });
    await moov.ready();
    expect((await moov.client.get('/ping')).status).toBe(200);
    await moov.revoke();
    expect([...new Set(paths)]).toEqual(['/oauth2/token', '/ping', '/oauth2/revoke']);
    await moov.close();
    expect(transport.closed).toBe(false);
    await transport.close();
  });

  test.each([
    ['httpAgent', { httpAgent: new HTTPAgent() }],
    ['proxy', { proxy: { host: '127.0.0.1', port: 1 } }],
  ])('and %s in the option "axios" are refused together', async (name, axios) => {
    const { options } = await startSandbox();
    const transport = new Agent();
    expect(() => moovAuth('/ping.read', { ...options, transport, axios })).toThrow(
      `axios: connection settings (found ${name}) cannot be combined with a Dispatcher as "transport". Configure them on the Dispatcher.`,
    );
  });

  test.each([['fetch'], [5], [{}], [new RetryAgent(new Agent())]])('rejects %o', async (transport) => {
    const { options } = await startSandbox();
    // @ts-expect-error: what the types refuse, and a RetryAgent, which they can't.
    const start = () => moovAuth('/ping.read', { ...options, transport });
    expect(start).toThrow(MoovConfigError);
    expect(start).toThrow("transport: expected 'undici', 'axios' or a Dispatcher");
  });

  test('an agent of a single call is refused, not ignored', async () => {
    const transport = new Agent();
    const { moov } = await startMoov({ transport });
    const error = await failure(moov.client.get('/ping', { httpAgent: new HTTPAgent() }));
    expect(error).toMatchObject({
      code: 'ERR_BAD_OPTION',
      message: 'The Dispatcher given as transport does not support httpAgent in a call',
    });
    await transport.close();
  });

  test.each([
    ['retries', interceptors.retry({ methods: ['POST'], minTimeout: 1 }), 503],
    ['follows redirects', interceptors.redirect({ maxRedirections: 3 }), 307],
  ])('that %s sends nothing twice', async (_what, interceptor, status) => {
    let arrived = 0;
    const server = await rawServer((response) => {
      arrived++;
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    onTestFinished(() => server.close());
    const transport = new Agent();
    const outcome = await call(transport.compose(interceptor), server.url, {
      url: '/',
      method: 'POST',
      data: 'x',
    });
    expect(arrived).toBe(1);
    expect(outcome).toMatchObject({
      code: 'ERR_NETWORK',
      maybeSent: true,
      message: expect.stringContaining('second time'),
    });
    await transport.close();
  });

  test("a mock's own errors do not contain the token", async () => {
    const transport = new MockAgent();
    transport.disableNetConnect();
    transport
      .get('http://127.0.0.1:9')
      .intercept({ path: '/', headers: { authorization: 'other' } })
      .reply(200);
    const outcome = await call(transport, 'http://127.0.0.1:9', {
      url: '/',
      headers: { Authorization: 'Bearer s3cret' },
    });
    expect(outcome).toMatchObject({ code: 'ERR_BAD_REQUEST', maybeSent: false });
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
    await transport.close();
  });
});
