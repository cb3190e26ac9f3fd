import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { AxiosHeaders } from 'axios';
import FormData from 'form-data';
import { Agent } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTransport } from '../../src/transports/create-transport.js';
import { unobserved, wireRequest } from '../../src/transports/transport.js';
import { until } from '../helpers/moov.js';
import { call, columns, rawServer, urlOf } from './columns.js';

/** A server of raw bytes that counts its connections. */
async function raw(behave: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = createServer((socket) => {
    opened++;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', () => behave(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: urlOf(server), sockets, opened: () => opened };
}

const cutShort = (socket: Socket) => {
  socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[{"accountID":"1"},{"acc');
  setTimeout(() => socket.resetAndDestroy(), 30);
};

/** A Dispatcher that does not tell when a request begins. */
const silent = () =>
  new Agent().compose((dispatch) => (options, handler) => {
    return dispatch(options, {
      onRequestStart: () => undefined,
      onResponseStart: (...told) => handler.onResponseStart?.(...told),
      onResponseData: (...told) => handler.onResponseData?.(...told),
      onResponseEnd: (...told) => handler.onResponseEnd?.(...told),
      onResponseError: (...told) => handler.onResponseError?.(...told),
    });
  });

function imageOf(origin: string, headers: AxiosHeaders) {
  return { method: 'get', origin, path: '/', headers, data: undefined, signal: undefined };
}

describe.each(columns)('on %s', (column) => {
  test.each(['text', 'stream'] as const)(
    'a response without a length that is reset is an error (%s)',
    async (responseType) => {
      const server = await raw(cutShort);
      const outcome = await call(column, server.url, { url: '/', responseType });
      if (responseType === 'text') expect(outcome.code).toMatch(/ECONNRESET|ERR_BAD_RESPONSE/);
      else expect(outcome.data).toMatchObject({ code: 'ECONNRESET' });
      expect(outcome.maybeSent).toBe(true);
    },
  );

  test('a response without a length that ends with its connection is complete', async () => {
    const server = await raw((socket) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"a":1}'));
    expect(await call(column, server.url, { url: '/' })).toMatchObject({ status: 200, data: { a: 1 } });
  });

  test('a stream over maxContentLength ends with an error, also when it arrives in one chunk', async () => {
    const server = await rawServer((response) => response.end('x'.repeat(1_000)));
    onTestFinished(() => server.close());
    const outcome = await call(column, server.url, {
      url: '/',
      responseType: 'stream',
      maxContentLength: 100,
    });
    expect(outcome.data).toMatchObject({ message: 'maxContentLength size of 100 exceeded' });
  });

  test.each([
    ['X-Idempotency-Key', 'платёж-7'],
    ['X-Idempotency-Key', ' key'],
    ['Authorization', 'Bearer a\nb'],
    ['Origin', 'https://пример.example'],
  ])('%s is sent as it is or not at all', async (name, value) => {
    const server = await rawServer((response) => response.end('{}'));
    onTestFinished(() => server.close());
    const headers = new AxiosHeaders();
    headers[name] = value;
    const { send } = createTransport({ transport: column, baseURL: server.url });
    const image = { method: 'post', origin: server.url, path: '/', headers, data: 'x', signal: undefined };
    let maybeSent = true;
    const neverSent = () => {
      maybeSent = false;
    };
    const sent = send(wireRequest([], image), { ...unobserved, neverSent });
    await expect(sent).rejects.toMatchObject({
      code: 'ERR_BAD_REQUEST',
      message: expect.stringContaining(name),
    });
    expect([maybeSent, server.sent()]).toEqual([false, undefined]);
  });

  test.each([
    ['another origin', { origin: 'http://127.0.0.1:9' }],
    ['a path without "/"', { path: '@evil.example/' }],
  ])('a request with %s is not sent', async (_what, other) => {
    const server = await rawServer((response) => response.end('{}'));
    onTestFinished(() => server.close());
    const { send } = createTransport({ transport: column, baseURL: server.url });
    const headers = new AxiosHeaders();
    const image = imageOf(server.url, headers);
    const sent = send(wireRequest([], { ...image, ...other }), unobserved);
    await expect(sent).rejects.toMatchObject({ code: 'ERR_MOOV_ORIGIN' });
    expect(server.sent()).toBeUndefined();
  });

  test('an error leads to no header of the request, and repeats no byte of the response', async () => {
    const server = await raw((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: Bearer s3cret\r\n\r\n'),
    );
    const { send } = createTransport({ transport: column, baseURL: server.url });
    const headers = new AxiosHeaders({ Authorization: 'Bearer s3cret' });
    const image = imageOf(server.url, headers);
    const error: unknown = await send(wireRequest([], image), unobserved).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Error);
    for (let at = error; at instanceof Error; at = at.cause) {
      for (const name of ['rawPacket', 'config', 'request']) expect(at).not.toHaveProperty(name);
    }
  });

  test('a form of the form-data package has the length that the package computes', async () => {
    const server = await rawServer((response) => response.end('{}'));
    onTestFinished(() => server.close());
    const form = new FormData();
    form.append('text', 'abc');
    const outcome = call(column, server.url, { url: '/', method: 'POST', data: form });
    expect(await outcome).toMatchObject({ status: 200 });
    expect(Number(server.sent()?.headers['content-length'])).toBe(server.sent()?.body.length);
  });
});

test('aborted requests open no connection', async () => {
  const server = await raw(() => undefined);
  const { send } = createTransport({ transport: 'undici', baseURL: server.url });
  await Promise.all(
    Array.from({ length: 50 }, () => {
      const signal = AbortSignal.timeout(300);
      const image = {
        method: 'get',
        origin: server.url,
        path: '/',
        headers: new AxiosHeaders(),
        data: undefined,
        signal,
      };
      return expect(send(wireRequest([], image), unobserved)).rejects.toThrow('canceled');
    }),
  );
  await until(() => server.sockets.size === 0, 'their connections are closed');
  expect(server.opened()).toBe(50);
});

describe('with a Dispatcher that does not report when a request begins', () => {
  test('a lost response counts as sent', async () => {
    const server = await raw((socket) => socket.destroy());
    const outcome = await call(silent(), server.url, { url: '/', method: 'POST', data: 'x' });
    expect(outcome).toMatchObject({ code: 'ECONNRESET', maybeSent: true });
  });

  test.each([
    ['does, of a Dispatcher that may have sent it before in silence', silent, true],
    ['does not, of an Agent', () => new Agent(), false],
  ])('a refused connection %s', async (_what, dispatcher, maybeSent) => {
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const url = urlOf(closed);
    await new Promise((resolve) => closed.close(resolve));
    expect(await call(dispatcher(), url, { url: '/' })).toMatchObject({ code: 'ECONNREFUSED', maybeSent });
  });
});
