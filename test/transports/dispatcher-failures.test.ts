import { createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import axios from 'axios';
import { Agent, type Dispatcher, MockAgent } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTransport } from '../../src/transports/create-transport.js';
import { unobserved } from '../../src/transports/transport.js';
import { failure, startMoov } from '../helpers/moov.js';
import { asWireRequest, type Behaviour, call, type Outcome, rawServer, urlOf } from './columns.js';

const silent: Behaviour = () => undefined;

async function through(
  transport: Dispatcher,
  config: Parameters<typeof call>[2] = {},
  behave: Behaviour = (response) => response.end('{}'),
): Promise<Outcome> {
  const server = await rawServer(behave);
  onTestFinished(() => server.close());
  onTestFinished(() => transport.destroy());
  return call(transport, server.url, { url: '/', ...config });
}

/** What a call sees of a Dispatcher that fails with an error of its own making. */
async function mocked(error: Error, headers: Record<string, string> = {}): Promise<Error> {
  const transport = new MockAgent();
  transport.disableNetConnect();
  transport.get('http://127.0.0.1:9').intercept({ path: '/' }).replyWithError(error);
  onTestFinished(() => transport.close());
  const { send } = createTransport({ transport, baseURL: 'http://127.0.0.1:9' });
  const instance = axios.create({
    baseURL: 'http://127.0.0.1:9',
    adapter: async (given) => send(asWireRequest(given), unobserved),
  });
  return failure(instance.get('/', { headers }));
}

describe("a Dispatcher's own time limits", () => {
  test('for connecting', async () => {
    // The connection stands, and its TLS handshake is never answered.
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const transport = new Agent({ connect: { timeout: 100 } });
    onTestFinished(() => transport.destroy());
    expect(await call(transport, urlOf(server, 'https'), { url: '/' })).toMatchObject({
      code: 'ETIMEDOUT',
      message: 'connect ETIMEDOUT',
      maybeSent: false,
    });
  });

  test('for the response headers', async () => {
    const impatient = new Agent().compose(
      (dispatch) => (options, handler) => dispatch({ ...options, headersTimeout: 100 }, handler),
    );
    expect(await through(impatient, {}, silent)).toMatchObject({
      code: 'ETIMEDOUT',
      message: 'No response within the time limit of the Dispatcher',
      maybeSent: true,
    });
  });

  test('for the body', async () => {
    const impatient = new Agent().compose(
      (dispatch) => (options, handler) => dispatch({ ...options, bodyTimeout: 100 }, handler),
    );
    const stalls: Behaviour = (response) => void response.write('{');
    expect(await through(impatient, {}, stalls)).toMatchObject({
      code: 'ERR_BAD_RESPONSE',
      message: 'stream has been aborted',
      status: 200,
    });
  });
});

describe('a Dispatcher that was ended', () => {
  test('is reported as destroyed', async () => {
    const transport = new Agent();
    await transport.destroy();
    expect(await through(transport)).toMatchObject({
      code: 'ERR_BAD_OPTION',
      message: 'The Dispatcher given as transport is destroyed',
      // A Dispatcher that is destroyed while a request is under way says the same.
      maybeSent: true,
    });
  });

  test('is reported as closed, while its last request is in flight', async () => {
    const transport = new Agent();
    const controller = new AbortController();
    const arrived = new Promise<void>((resolve) => {
      void through(transport, { signal: controller.signal }, () => resolve());
    });
    await arrived;
    const closed = transport.close();
    expect(await through(transport)).toMatchObject({
      code: 'ERR_BAD_OPTION',
      message: 'The Dispatcher given as transport is closed',
      maybeSent: false,
    });
    controller.abort();
    await closed;
  });
});

describe('settings that a Dispatcher does not support', () => {
  test.each([
    ['transitional.advertiseZstdAcceptEncoding', { transitional: { advertiseZstdAcceptEncoding: true } }],
    ['a "Expect" header', { headers: { Expect: '100-continue' } }],
  ] as const)('%s is refused by name', async (name, config) => {
    expect(await through(new Agent(), config)).toMatchObject({
      code: 'ERR_BAD_OPTION',
      message: `The Dispatcher given as transport does not support ${name} in a call`,
      maybeSent: false,
    });
  });
});

test('an invalid header from an interceptor is reported without its value', async () => {
  const transport = new Agent().compose(
    (dispatch) => (options, handler) =>
      dispatch({ ...options, headers: ['Expect', '100-continue'] }, handler),
  );
  expect(await through(transport)).toMatchObject({
    code: 'ERR_BAD_REQUEST',
    message: 'The request cannot be sent as it is',
    // What was composed may have sent it before in silence.
    maybeSent: true,
  });
});

describe('a request with a Content-Length', () => {
  test('that is not a number is not sent', async () => {
    const headers = { 'Content-Length': 'five' };
    expect(await through(new Agent(), { url: '/a', headers })).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      message: 'The request cannot be sent as it is: /a',
      maybeSent: false,
    });
  });

  test('longer than the body is an error', async () => {
    const headers = { 'Content-Length': '50' };
    const outcome = await through(new Agent(), { method: 'POST', data: 'five', headers });
    expect(outcome).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      message: 'The body is not as long as Content-Length says',
      // Of a stream this is found when some of it is sent.
      maybeSent: true,
    });
  });
});

test('a header that an interceptor removes is not in the response', async () => {
  const transport = new Agent().compose(
    (dispatch) => (options, handler) =>
      dispatch(options, {
        onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
        onResponseStart: (controller, status, headers, text) =>
          handler.onResponseStart?.(controller, status, { ...headers, 'x-internal': undefined }, text),
        onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
        onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
        onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
      }),
  );
  const outcome = await through(transport, {}, (response) =>
    response.writeHead(200, { 'x-internal': 'a', 'x-told': 'b' }).end('{}'),
  );
  expect(outcome.headers).toMatchObject({ 'x-told': 'b' });
  expect(outcome.headers).not.toHaveProperty('x-internal');
});

describe('an error of a Dispatcher keeps the details of the system, and contains no secret', () => {
  test('for several addresses', async () => {
    const first = Object.assign(new Error('no way for Bearer s3cret'), { code: 'ECONNREFUSED', port: 9 });
    const error = await mocked(new AggregateError([first, 's3cret'], 'all failed with s3cret'), {
      Authorization: 'Bearer s3cret',
    });
    expect(error).toMatchObject({ message: 'all failed with [secret]' });
    expect(error.cause).toMatchObject({
      errors: [{ message: 'no way for [secret]', code: 'ECONNREFUSED', port: 9 }, { message: '[secret]' }],
    });
    expect(inspect(error.cause, { depth: 9 })).not.toContain('s3cret');
  });

  test('for an error that contains itself', async () => {
    const several = new AggregateError([], 'all failed');
    several.errors.push(several, several, Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    const error = await mocked(several);
    expect(error).toMatchObject({ message: 'all failed', cause: { errors: expect.any(Array) } });
    const inner: Error = new Error('inner', { cause: new Error('outer') });
    if (inner.cause instanceof Error) inner.cause.cause = inner;
    expect(await mocked(inner)).toMatchObject({ message: 'inner' });
  });

  test('for a credential that is one word', async () => {
    const error = await mocked(new Error('bad: s3cret'), { Authorization: 's3cret' });
    expect(error.message).toBe('bad: [secret]');
  });

  test('when it throws synchronously', async () => {
    class Broken extends Agent {
      override dispatch(): never {
        throw Object.assign(new Error('no s3cret here'), { code: 'EOWN' });
      }
    }
    const headers = { Authorization: 'Bearer s3cret' };
    expect(await through(new Broken(), { headers })).toMatchObject({
      code: 'EOWN',
      message: 'no [secret] here',
      maybeSent: true,
    });
  });

  test('for a token request', async () => {
    const transport = new MockAgent();
    transport.disableNetConnect();
    onTestFinished(() => transport.close());
    const { sandbox, moov } = await startMoov({ transport, tokenTimeoutMs: 2_000 });
    transport
      .get(sandbox.url)
      .intercept({ path: '/oauth2/token', method: 'POST' })
      .replyWithError(new Error('the tunnel is shut'))
      .persist();
    expect(await failure(moov.ready())).toMatchObject({
      code: 'ERR_MOOV_NETWORK',
      message: expect.stringContaining('gave no complete response: error, the tunnel is shut'),
    });
  });

  test('for a call without a credential', async () => {
    const error = await mocked(new Error('the host is down'));
    expect(error.message).toBe('the host is down');
  });
});
