import { setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import axios, { type AxiosInstance } from 'axios';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTransport } from '../../src/transports/create-transport.js';
import { unobserved } from '../../src/transports/transport.js';
import { rows } from '../helpers/full.js';
import { until } from '../helpers/moov.js';
import { asWireRequest, type columns, urlOf } from './columns.js';

/** A server that counts its connections and may close one after so many requests, without saying so before. */
async function counting(closesAfter = Number.POSITIVE_INFINITY) {
  const sockets = new Set<Socket>();
  const requests = new WeakMap<Socket, number>();
  let opened = 0;
  const server = createServer((request, response) => {
    const { socket } = request;
    const count = (requests.get(socket) ?? 0) + 1;
    requests.set(socket, count);
    request.resume().on('end', () => {
      response.end('{"ok":true}', () => {
        if (count >= closesAfter) socket.destroySoon();
      });
    });
  });
  server.on('connection', (socket) => {
    opened++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: urlOf(server), sockets, opened: () => opened };
}

function instanceOver(
  column: (typeof columns)[number],
  baseURL: string,
): { instance: AxiosInstance; release(): void } {
  const { send, release } = createTransport({ transport: column, baseURL });
  const instance = axios.create({
    baseURL,
    maxRedirects: 0,
    adapter: async (config) => send(asWireRequest(config), unobserved),
  });
  return { instance, release };
}

describe.each(rows(['undici', 'axios'] as const))('on %s', (column) => {
  test('sequential calls share connections, and release() closes idle ones', async () => {
    const server = await counting();
    const { instance, release } = instanceOver(column, server.url);
    for (let n = 0; n < 50; n++) await instance.get('/');
    expect(server.opened()).toBeLessThan(5);
    release();
    if (column === 'undici') await until(() => server.sockets.size === 0, 'idle connections are closed');
  });

  test('release() lets a call in flight finish, and a later call opens a new connection', async () => {
    const server = await counting();
    const { instance, release } = instanceOver(column, server.url);
    const flying = Array.from({ length: 20 }, () => instance.get('/'));
    release();
    expect((await Promise.all(flying)).every(({ data }) => data.ok)).toBe(true);
    expect((await instance.get('/')).data).toEqual({ ok: true });
    release();
  });

  test('when a server closes connections after the second response, only calls sent at that moment fail', async () => {
    const server = await counting(2);
    const { instance, release } = instanceOver(column, server.url);
    let failed = 0;
    for (let n = 0; n < 100; n++) {
      await instance.get('/').catch((error: { code: string }) => {
        // A request may cross with the close; that is told as what it is.
        expect(error.code).toBe('ECONNRESET');
        failed++;
      });
    }
    expect(failed).toBeLessThan(60);
    release();
  });

  test('10,000 calls leak no socket, listener or heap', async () => {
    const server = await counting();
    const { instance, release } = instanceOver(column, server.url);
    const { signal } = new AbortController();
    setMaxListeners(0, signal);
    let listeners = 0;
    const watched = new Proxy(signal, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name === 'addEventListener') listeners++;
        if (name === 'removeEventListener') listeners--;
        return value.bind(target);
      },
    });
    const round = async (calls: number) => {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          for (let n = 0; n < calls / 50; n++) await instance.post('/', { n }, { signal: watched });
        }),
      );
      globalThis.gc?.();
      return process.memoryUsage().heapUsed;
    };
    const before = await round(2_000);
    const after = await round(10_000);
    expect(server.sockets.size).toBeLessThanOrEqual(120);
    // Axios removes some listeners more than once.
    expect(listeners).toBeLessThanOrEqual(0);
    if (globalThis.gc) expect(after - before).toBeLessThan(8_000_000);
    release();
    if (column === 'undici') await until(() => server.sockets.size === 0, 'idle connections are closed');
  });
});
