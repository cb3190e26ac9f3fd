import { describe, expect, it } from 'vitest';
import { failure, startMoov as start } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  describe('the retry budget', () => {
    it('lets 1,000 calls against nothing but 503 make at most 1,210 requests', async () => {
      const { sandbox, moov, count } = await startMoov();
      sandbox.fail({
        path: '/ping',
        status: 503,
        headers: { 'retry-after-ms': '1' },
        times: Number.POSITIVE_INFINITY,
      });
      for (let batch = 0; batch < 20; batch++) {
        await Promise.allSettled(Array.from({ length: 50 }, () => moov.client.get('/ping')));
      }
      expect(sandbox.stats.apiRequests).toBeGreaterThan(1_150);
      expect(sandbox.stats.apiRequests).toBeLessThanOrEqual(1_210);
      expect(count('call.budgetExhausted')).toBeGreaterThan(0);
      expect(count('call.retried')).toBe(sandbox.stats.apiRequests - 1_000);
    });

    it('is not touched by replays after a 401', async () => {
      const { sandbox, moov, count } = await startMoov();
      for (let round = 0; round < 3; round++) {
        sandbox.revokeTokens();
        await Promise.all(Array.from({ length: 20 }, () => moov.client.get('/ping')));
      }
      expect(count('call.budgetExhausted')).toBe(0);
      expect(count('call.replayed')).toBeGreaterThan(20);
    });

    it('is asked once for a failure, also for that of a replay', async () => {
      const { sandbox, moov, count } = await startMoov({ retries: 10 });
      await moov.ready();
      const headers = { 'retry-after-ms': '1' };
      sandbox.fail({ path: '/ping', status: 503, headers, times: 11 });
      await failure(moov.client.get('/ping'));
      sandbox.fail({ path: '/accounts', status: 401 });
      sandbox.fail({ path: '/accounts', status: 503, headers });
      const error = await failure(moov.client.get('/accounts'));
      expect(error).toMatchObject({ response: { status: 503 }, moov: { attempts: 2 } });
      expect(count('call.budgetExhausted')).toBe(1);
    });

    it('delivers the last error before any wait', async () => {
      const { sandbox, moov } = await startMoov({ retries: 10 });
      await moov.ready();
      sandbox.fail({
        path: '/ping',
        status: 503,
        headers: { 'retry-after-ms': '1' },
        times: Number.POSITIVE_INFINITY,
      });
      await failure(moov.client.get('/ping'));
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after': '10' }, times: 2 });
      const began = performance.now();
      const error = await failure(moov.client.get('/accounts'));
      expect(error).toMatchObject({ response: { status: 503 }, moov: { attempts: 1 } });
      expect(performance.now() - began).toBeLessThan(9_000);
    });

    it('can be turned off', async () => {
      const { sandbox, moov, count } = await startMoov({ retryBudget: false });
      sandbox.fail({
        path: '/ping',
        status: 503,
        headers: { 'retry-after-ms': '1' },
        times: Number.POSITIVE_INFINITY,
      });
      await Promise.allSettled(Array.from({ length: 20 }, () => moov.client.get('/ping')));
      expect(sandbox.stats.apiRequests).toBe(80);
      expect(count('call.budgetExhausted')).toBe(0);
    });
  });
});
