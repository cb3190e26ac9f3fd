import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { failure, startMoov as start, until } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

const payment = { headers: { 'X-Idempotency-Key': 'c0ffee00-0000-4000-8000-000000000001' } };

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  describe('an abort', () => {
    it('ends at once a call that waits for a token', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/oauth2/token', delayMs: 60_000 });
      const controller = new AbortController();
      const began = performance.now();
      const call = failure(moov.client.get('/accounts', { signal: controller.signal }));
      await until(() => sandbox.stats.tokenRequests === 1, 'the token is awaited');
      controller.abort();
      expect(await call).toMatchObject({ code: 'ERR_CANCELED', moov: { attempts: 0, ambiguous: false } });
      expect(performance.now() - began).toBeLessThan(20_000);
    });

    it('that comes while the body is made leaves the call unsent', async () => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      const controller = new AbortController();
      const transformRequest = () => {
        controller.abort();
        return '{}';
      };
      const config = { ...payment, transformRequest, signal: controller.signal };
      const error = await failure(moov.client.post('/accounts', {}, config));
      expect(error).toMatchObject({ code: 'ERR_CANCELED', moov: { ambiguous: false } });
      expect(sandbox.stats.apiRequests).toBe(0);
    });

    it('is listened for no longer than the call lasts', async () => {
      const { sandbox, moov } = await startMoov();
      const { signal } = new AbortController();
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '1' } });
      sandbox.fail({ path: '/accounts', status: 401 });
      const response = await moov.client.get('/accounts', { signal });
      expect(response).toMatchObject({ status: 200, moov: { attempts: 3 } });
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    it.each(['read', 'given up'])('is listened for until a streamed body is %s', async (way) => {
      const { moov } = await startMoov();
      const { signal } = new AbortController();
      const { data } = await moov.client.get('/accounts', { signal, responseType: 'stream' });
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      if (way === 'read') await text(data);
      else data.destroy();
      await until(() => getEventListeners(signal, 'abort').length === 0, 'nobody listens');
    });

    it('is not needed for a streamed body that is given up: its connection ends', async () => {
      let closed = false;
      const baseURL = await startDripping(() => {
        closed = true;
      });
      const { moov } = await startMoov({ baseURL });
      const { data } = await moov.client.get('/drip', { responseType: 'stream' });
      data.destroy();
      await until(() => closed, 'the connection has ended');
    });
  });

  /** Gives tokens, and answers everything else with a byte each 50 ms for ever, so that no socket is ever idle. */
  async function startDripping(closed: () => void = () => undefined): Promise<string> {
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/oauth2')) {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ access_token: 'a', token_type: 'Bearer', expires_in: 900 }));
        return;
      }
      const drip = setInterval(() => response.write('x'), 50);
      response.on('close', () => {
        clearInterval(drip);
        closed();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  describe('the deadline of a call', () => {
    it('covers all attempts and the waits between them', async () => {
      const { sandbox, moov } = await startMoov({ timeoutMs: 700, attemptTimeoutMs: 200, retries: 10 });
      await moov.ready();
      sandbox.fail({ path: '/accounts', delayMs: 5_000, times: 11 });
      const began = performance.now();
      const error = await failure(moov.client.get('/accounts'));
      expect(error).toMatchObject({ code: 'ECONNABORTED', moov: { ambiguous: true } });
      // Ten retries would take more than 20 s.
      expect(performance.now() - began).toBeLessThan(10_000);
    });

    it('covers waiting for a token', async () => {
      const { sandbox, moov } = await startMoov({ timeoutMs: 200 });
      sandbox.fail({ path: '/oauth2/token', delayMs: 60_000 });
      const began = performance.now();
      const error = await failure(moov.client.get('/accounts'));
      expect(error).toMatchObject({ code: 'ECONNABORTED', moov: { attempts: 0, ambiguous: false } });
      expect(error.message).toBe('timeout of 200ms exceeded');
      expect(performance.now() - began).toBeLessThan(20_000);
    });

    it('that is over before an attempt leaves it unsent', async () => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      const error = await failure(moov.client.post('/accounts', {}, { ...payment, timeout: 1e-9 }));
      expect(error).toMatchObject({ code: 'ECONNABORTED', moov: { attempts: 0, ambiguous: false } });
      expect(sandbox.stats.apiRequests).toBe(0);
    });

    it('may be longer than a timer can be', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/oauth2/token', delayMs: 100 });
      expect((await moov.client.get('/ping', { timeout: 2 ** 31 })).status).toBe(200);
    });

    it('is none where timeout is 0, also while a token is awaited and before a retry', async () => {
      const { sandbox, moov } = await startMoov({ timeoutMs: 50 });
      sandbox.fail({ path: '/oauth2/token', delayMs: 100 });
      sandbox.fail({ path: '/ping', status: 503, headers: { 'retry-after-ms': '100' } });
      const response = await moov.client.get('/ping', { timeout: 0 });
      expect(response).toMatchObject({ status: 200, moov: { attempts: 2 } });
    });

    it('can be set for one call by timeout, and coded ETIMEDOUT as in Axios', async () => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.fail({ path: '/accounts', delayMs: 5_000, times: 10 });
      const error = await failure(
        moov.client.get('/accounts', { timeout: 150, transitional: { clarifyTimeoutError: true } }),
      );
      expect(error).toMatchObject({ code: 'ETIMEDOUT', message: 'timeout of 150ms exceeded' });
    });

    const over500 = { code: 'ECONNABORTED', message: 'timeout of 500ms exceeded' };
    it.each(['plain', 'stream'])('covers reading the body, %s', async (kind) => {
      const baseURL = await startDripping();
      const { moov } = await startMoov({ baseURL, timeoutMs: 500, retries: 0 });
      await moov.ready();
      if (kind === 'plain') {
        const error = await failure(moov.client.get('/drip'));
        expect(error).toMatchObject({ ...over500, moov: { ambiguous: true } });
      } else {
        const response = await moov.client.get('/drip', { responseType: 'stream' });
        const read = async () => {
          for await (const _ of response.data) void _;
        };
        expect(await failure(read())).toMatchObject(over500);
      }
    });
  });
});
