import { Agent } from 'node:http';
import axios from 'axios';
import { beforeEach, describe, expect, it } from 'vitest';
import { fastClock } from '../helpers/fast-clock.js';
import { failure, startMoov as start, until } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

const payment = { headers: { 'X-Idempotency-Key': 'c0ffee00-0000-4000-8000-000000000001' } };

describe.each(transports)('over %s', (_name, over) => {
  beforeEach(() => fastClock());

  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  describe('retries of idempotent methods', () => {
    it.each([429, 500, 502, 503, 504, 599])('follow a %i', async (status) => {
      // A 429 is retried as others are only without the option.
      const { sandbox, moov, events } = await startMoov({ rateLimit: false });
      sandbox.fail({ path: '/accounts', status, headers: { 'retry-after-ms': '20' } });
      const response = await moov.client.get('/accounts');
      expect(response).toMatchObject({ status: 200, moov: { attempts: 2, ambiguous: false } });
      expect(events).toContainEqual(
        expect.objectContaining({
          type: 'call.retried',
          retry: 1,
          path: '/accounts',
          reason: String(status),
        }),
      );
    });

    it.each(['get', 'head', 'options', 'put', 'delete'])('are made for %s', async (method) => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '20' }, times: 10 });
      await failure(moov.client.request({ method, url: '/accounts' }));
      expect(sandbox.stats.apiRequests).toBe(4);
    });

    it.each(['post', 'patch'])('are not made for %s', async (method) => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 503, times: 10 });
      const error = await failure(moov.client.request({ method, url: '/accounts', data: {} }));
      expect(error).toMatchObject({ response: { status: 503 }, moov: { attempts: 1, ambiguous: true } });
      expect(sandbox.stats.apiRequests).toBe(1);
    });

    it.each(['post', 'patch'])('are not made for %s without a key whose answer was lost', async (method) => {
      const { sandbox, moov } = await startMoov({ attemptTimeoutMs: 1_000 });
      await moov.ready();
      for (const fault of [{ drop: 'before' }, { drop: 'after' }, { delayMs: 5_000 }] as const) {
        sandbox.fail({ path: '/accounts', ...fault });
        const before = sandbox.stats.apiRequests;
        const error = await failure(moov.client.request({ method, url: '/accounts', data: {} }));
        expect(error).toMatchObject({ moov: { attempts: 1, ambiguous: true } });
        expect(sandbox.stats.apiRequests).toBe(before + 1);
      }
    });

    it('do not follow a response that is too large, because the next one would be too', async () => {
      const { sandbox, moov } = await startMoov();
      const error = await failure(moov.client.get('/accounts', { maxContentLength: 1 }));
      expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', moov: { attempts: 1, ambiguous: true } });
      expect(error).not.toHaveProperty('response.status');
      expect(sandbox.stats.apiRequests).toBe(1);
    });

    it.each([400, 403, 404, 409, 422])('do not follow a %i', async (status) => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status, times: 10 });
      const error = await failure(moov.client.get('/accounts'));
      expect(error).toMatchObject({ response: { status }, moov: { attempts: 1, ambiguous: false } });
      expect(sandbox.stats.apiRequests).toBe(1);
    });

    it('follow a dropped connection, a truncated response, and an attempt that timed out', async () => {
      const { sandbox, moov, events } = await startMoov({ attemptTimeoutMs: 1_000 });
      await moov.ready();
      sandbox.fail({ path: '/accounts', drop: 'before' });
      sandbox.fail({ path: '/accounts', truncate: true });
      sandbox.fail({ path: '/accounts', delayMs: 5_000 });
      const response = await moov.client.get('/accounts');
      expect(response).toMatchObject({ status: 200, moov: { attempts: 4, ambiguous: false } });
      expect(response.data).toHaveLength(1);
      const reasons = events.flatMap((event) => (event.type === 'call.retried' ? [event.reason] : []));
      expect(reasons).toEqual(['ECONNRESET', '200', 'ECONNABORTED']);
    });

    it('check the status even if the caller accepts it, and validateStatus sees the final response', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '20' } });
      const cured = await moov.client.get('/accounts', { validateStatus: () => true });
      expect(cured).toMatchObject({ status: 200, moov: { attempts: 2 } });
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '20' }, times: 10 });
      const accepted = await moov.client.get('/accounts', { validateStatus: (status) => status === 503 });
      expect(accepted).toMatchObject({ status: 503, moov: { attempts: 4 } });
    });

    it('can be fewer for one call, and may not be made laxer by it', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 503, times: 10 });
      const error = await failure(moov.client.get('/accounts', { 'axios-retry': { retries: 0 } }));
      expect(error).toMatchObject({ moov: { attempts: 1 } });
      const refused = await failure(
        moov.client.post('/accounts', {}, { 'axios-retry': { retryCondition: () => true } }),
      );
      expect(refused).toMatchObject({ code: 'ERR_MOOV_CONFIG', moov: { attempts: 0 } });
      const endless = await failure(
        moov.client.get('/accounts', { 'axios-retry': { retries: Number.POSITIVE_INFINITY } }),
      );
      expect(endless).toMatchObject({ code: 'ERR_MOOV_CONFIG' });
      expect(sandbox.stats.apiRequests).toBe(1);
    });

    it('follow a refused connection without having been ambiguous', async () => {
      const { sandbox, moov } = await startMoov({ axios: { httpAgent: new Agent({ keepAlive: false }) } });
      await moov.ready();
      const port = Number(new URL(sandbox.url).port);
      await sandbox.close();
      const call = moov.client.post('/accounts', { accountType: 'business' });
      setTimeout(() => sandbox.listen(port), 100);
      const error = await failure(call);
      // It reached the sandbox in the end, and was refused there for what it is.
      expect(error).toMatchObject({ response: { status: 422 }, moov: { ambiguous: false } });
      expect(sandbox.stats.apiRequests).toBe(1);
    });
  });

  describe('the wait before a retry', () => {
    const waits = async (headers: Record<string, string>) => {
      const { sandbox, moov, events } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 503, headers });
      const began = performance.now();
      await moov.client.get('/accounts');
      const retried = events.find((event) => event.type === 'call.retried');
      return { delayMs: retried?.delayMs ?? 0, tookMs: performance.now() - began };
    };

    it.each([
      ['retry-after', '1', 1_000],
      ['retry-after-ms', '300', 300],
      ['x-retry-in', '400', 400],
    ])('obeys %s: %s', async (name, value, ms) => {
      const { delayMs, tookMs } = await waits({ [name]: value });
      expect(delayMs).toBeGreaterThanOrEqual(ms);
      expect(delayMs).toBeLessThanOrEqual(ms * 1.1 + 1);
      expect(tookMs).toBeGreaterThanOrEqual(ms - 2);
    });

    it('respects an HTTP date, by the clock of the response', async () => {
      const server = new Date(Date.now() - 3_600_000);
      const { delayMs } = await waits({
        date: server.toUTCString(),
        'retry-after': new Date(server.getTime() + 1_000).toUTCString(),
      });
      expect(delayMs).toBeGreaterThanOrEqual(1_000);
      expect(delayMs).toBeLessThanOrEqual(1_100);
    });

    it('grows, with jitter, if the response has no Retry-After', async () => {
      const { sandbox, moov, events } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 503, times: 3 });
      await moov.client.get('/accounts');
      const delays = events.flatMap((event) => (event.type === 'call.retried' ? [event.delayMs] : []));
      for (const [index, most] of [250, 500, 1_000].entries()) {
        expect(delays[index]).toBeGreaterThanOrEqual(most / 2);
        expect(delays[index]).toBeLessThanOrEqual(most);
      }
    });

    it('never goes past the deadline: the last error is delivered at once instead', async () => {
      const { sandbox, moov } = await startMoov({ timeoutMs: 20_000 });
      await moov.ready();
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after': '60' } });
      const began = performance.now();
      const error = await failure(moov.client.get('/accounts'));
      expect(error).toMatchObject({ response: { status: 503 }, moov: { attempts: 1 } });
      expect(performance.now() - began).toBeLessThan(10_000);
    });

    it('ends at once on an abort', async () => {
      const { sandbox, moov, count } = await startMoov();
      await moov.ready();
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after': '15' } });
      const controller = new AbortController();
      const call = failure(moov.client.get('/accounts', { signal: controller.signal }));
      await until(() => count('call.retried') === 1, 'the wait has begun');
      const began = performance.now();
      controller.abort();
      expect(await call).toMatchObject({ code: 'ERR_CANCELED', moov: { attempts: 1, ambiguous: true } });
      expect(performance.now() - began).toBeLessThan(5_000);
      const refused = await failure(
        moov.client.get('/ping', { cancelToken: axios.CancelToken.source().token }),
      );
      expect(refused).toMatchObject({
        code: 'ERR_MOOV_CONFIG',
        message: expect.stringContaining('"signal"'),
      });
    });
  });

  describe('retries of writes', () => {
    it.each([501, 505])('do not follow a %i, whatever the method', async (status) => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status, times: 10 });
      const error = await failure(moov.client.get('/accounts'));
      expect(error).toMatchObject({ response: { status }, moov: { attempts: 1 } });
      expect(sandbox.stats.apiRequests).toBe(1);
    });

    it('do not follow the 501 of the sandbox, whose error names the way out', async () => {
      const { moov } = await startMoov();
      const error = await failure(moov.client.post('/receipts', {}, payment));
      expect(error).toMatchObject({ response: { status: 501 }, moov: { attempts: 1 } });
      expect(error.message).toContain('sandbox.respond(method, path, body)');
    });

    it.each([501, 505, 599])('do not follow a %i under a key', async (status) => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status, headers: { 'retry-after-ms': '5' }, times: 10 });
      const error = await failure(moov.client.post('/accounts', {}, payment));
      expect(error).toMatchObject({ response: { status }, moov: { attempts: 1, ambiguous: true } });
      expect(sandbox.stats.apiRequests).toBe(1);
    });

    it('need an idempotency key, and send the same key and bytes', async () => {
      const { sandbox, moov } = await startMoov();
      const body = { amount: { currency: 'USD', value: 1204 }, note: 'ä' };
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '20' }, times: 2 });
      const error = await failure(moov.client.post('/accounts', body, payment));
      const seen = sandbox.requests.filter(({ path }) => path === '/accounts').map(({ headers }) => headers);
      expect(seen).toHaveLength(3);
      expect(new Set(seen.map((headers) => headers['x-idempotency-key'])).size).toBe(1);
      expect(new Set(seen.map((headers) => headers['content-length'])).size).toBe(1);
      // A 422 says nothing of the attempts before it.
      expect(error).toMatchObject({ response: { status: 422 }, moov: { attempts: 3, ambiguous: true } });
    });
  });
});
