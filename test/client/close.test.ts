import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isMoovCallError, moovAuth } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { type Answer, serve } from '../helpers/http-server.js';
import { failure, until } from '../helpers/moov.js';

// close() is the end of every call, too.

const token = { body: { access_token: 'a-token', token_type: 'Bearer', expires_in: 900 } };

async function start(answers: Record<string, Answer>) {
  const server = await serve(({ path }) =>
    path === '/oauth2/token' ? token : (answers[path] ?? { body: {} }),
  );
  const moov = moovAuth('/ping.read', { clientId: 'id', clientSecret: 'a-long-secret', baseURL: server.url });
  onTestFinished(() => moov.close());
  await moov.ready();
  return { moov, server };
}

describe('close()', () => {
  it('waits for a call in flight', async () => {
    const held: ServerResponse[] = [];
    const server = createServer((request, response) => {
      request.resume();
      if (request.url === '/oauth2/token') response.end(JSON.stringify(token.body));
      else held.push(response);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const baseURL = `http://127.0.0.1:${port}`;
    const moov = moovAuth('/ping.read', { clientId: 'id', clientSecret: 'a-long-secret', baseURL });
    const order: string[] = [];
    const call = moov.client.post('/slow', {}).then(({ status }) => order.push(`call ${status}`));
    await until(() => held.length === 1, 'the call is in flight');
    const closed = moov.close().then(() => order.push('closed'));
    expect(moov.status().state).toBe('closed');
    held[0]?.end('{}');
    await Promise.all([call, closed]);
    expect(order).toEqual(['call 200', 'closed']);
  });

  it('ends a call that takes longer, which says that Moov may have acted', async () => {
    const { moov, server } = await start({ '/hangs': 'hang' });
    const call = failure(moov.client.post('/hangs', {}));
    await server.arrived(2);
    fastClock();
    await moov.close();
    const error = await call;
    expect(error).toMatchObject({ code: 'ERR_MOOV_CLOSED', moov: { attempts: 1, ambiguous: true } });
    expect(isMoovCallError(error)).toBe(true);
  });

  it('ends a call that waits for its retry', async () => {
    const { moov, server } = await start({ '/later': { status: 503, headers: { 'retry-after': '20' } } });
    const call = failure(moov.client.get('/later'));
    await server.arrived(2);
    fastClock();
    await moov.close();
    expect(await call).toMatchObject({ code: 'ERR_MOOV_CLOSED', moov: { attempts: 1 } });
  });

  it('ends a streamed response of which nothing was read at once, and one that is being read after 5 s', async () => {
    const { moov } = await start({ '/stalls': 'stall', '/whole': { body: 'x'.repeat(1_000) } });
    const unread = await moov.client.get('/stalls', { responseType: 'stream' });
    const read = await moov.client.get('/stalls', { responseType: 'stream' });
    const [first] = await once(read.data, 'data');
    expect(String(first)).toContain('access_token');
    const ended = new Promise((resolve) => unread.data.once('close', resolve));
    const failed = once(read.data, 'error');
    const closed = moov.close();
    await ended;
    expect(read.data.destroyed).toBe(false);
    fastClock();
    await closed;
    expect(await failed).toMatchObject([{ code: 'ERR_MOOV_CLOSED' }]);
  });

  it('refuses calls that come after it, with nothing sent', async () => {
    const { moov, server } = await start({});
    await moov.close();
    for (const call of [moov.client.get('/x'), moov.fetch('/x')]) {
      expect(await failure(call)).toMatchObject({
        code: 'ERR_MOOV_CLOSED',
        moov: { attempts: 0, ambiguous: false },
      });
    }
    expect(server.requests).toHaveLength(1);
  });
});

describe('an abort by the caller', () => {
  it.each([
    ['a 401', { status: 401 }],
    ['a 503', { status: 503, headers: { 'retry-after-ms': '5' } }],
  ] as const)('ends a streamed call also after %s was followed by another attempt', async (_what, first) => {
    let calls = 0;
    const server = await serve(({ path }) => {
      if (path === '/oauth2/token') return token;
      return ++calls === 1 ? first : 'hang';
    });
    const moov = moovAuth('/ping.read', {
      clientId: 'id',
      clientSecret: 'a-long-secret',
      baseURL: server.url,
    });
    onTestFinished(() => moov.close());
    const controller = new AbortController();
    const { signal } = controller;
    const call = failure(moov.client.get('/x', { responseType: 'stream', signal }));
    await until(() => calls === 2, 'the second attempt has come');
    controller.abort();
    expect(await call).toMatchObject({ code: 'ERR_CANCELED', moov: { attempts: 2 } });
  });
});
