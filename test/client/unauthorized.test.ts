import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isMoovCallError, MoovReplayError, moovAuth } from '../../src/index.js';
import { fastClock, heldClock } from '../helpers/fast-clock.js';
import { full } from '../helpers/full.js';
import { failure, startMoov as start, startSandbox, until } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

const calls = <T>(count: number, call: (index: number) => Promise<T>) =>
  Promise.allSettled(Array.from({ length: count }, (_, index) => call(index)));
/** Calls at once. */
const many = full ? 1_000 : 200;
/** They take their time on a busy machine. */
const patient = { timeoutMs: 50_000, attemptTimeoutMs: 50_000, tokenTimeoutMs: 50_000 };

/** How many failed, and of what. */
const failures = (results: PromiseSettledResult<unknown>[]) => {
  const counts: Record<string, number> = {};
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    const { code, message } = result.reason;
    const what = `${code} ${message}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
};

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  describe('one renewal for all callers', () => {
    it(`makes one token request for ${many} concurrent first calls, and fails none`, async () => {
      const { sandbox, moov } = await startMoov(patient);
      const results = await calls(many, () => moov.client.get('/ping'));
      expect(failures(results)).toEqual({});
      expect(sandbox.stats.tokenRequests).toBe(1);
    });

    it(`makes one token request for ${many} concurrent calls after a revocation, and fails none`, async () => {
      const { sandbox, moov } = await startMoov(patient);
      await moov.ready();
      sandbox.revokeTokens();
      // Slow enough that every 401 is there before the new token is.
      sandbox.fail({ path: '/oauth2/token', delayMs: 2_000 });
      const results = await calls(many, () => moov.client.get('/ping'));
      expect(failures(results)).toEqual({});
      expect(sandbox.stats.tokenRequests).toBe(2);
      expect(sandbox.stats.unauthorized).toBeGreaterThan(many / 2);
    });

    it('replays a late 401 with the token that is held by then, without another renewal', async () => {
      fastClock();
      const { sandbox, moov } = await startMoov(patient);
      await moov.ready();
      sandbox.fail({ path: '/ping', delayMs: 1_500 });
      const late = moov.client.get('/ping');
      await until(() => sandbox.stats.apiRequests === 1, 'the late call is on its way');
      sandbox.revokeTokens();
      await moov.client.get('/accounts');
      expect(sandbox.stats.tokenRequests).toBe(2);
      const response = await late;
      expect(response).toMatchObject({ status: 200, moov: { attempts: 2 } });
      expect(sandbox.stats.tokenRequests).toBe(2);
    });

    it(`lets the others succeed when the first of ${many} callers, which started the renewal, aborts`, async () => {
      const { sandbox, moov } = await startMoov(patient);
      await moov.ready();
      sandbox.revokeTokens();
      sandbox.fail({ path: '/oauth2/token', delayMs: 2_000 });
      const first = new AbortController();
      const aborted = failure(moov.client.get('/ping', { signal: first.signal }));
      await until(() => sandbox.stats.tokenRequests === 2, 'the renewal has begun');
      const others = calls(many - 1, () => moov.client.get('/ping'));
      first.abort();
      expect(await aborted).toMatchObject({ code: 'ERR_CANCELED' });
      expect(failures(await others)).toEqual({});
      expect(sandbox.stats.tokenRequests).toBe(2);
    });

    it('joins the background renewal and the 401s', async () => {
      fastClock();
      const { sandbox, moov } = await startMoov(patient);
      await moov.ready();
      sandbox.fail({ path: '/oauth2/token', delayMs: 2_000 });
      const renewed = moov.renew();
      await until(() => sandbox.stats.tokenRequests === 2, 'the renewal has begun');
      sandbox.revokeTokens();
      const results = await calls(50, () => moov.client.get('/ping'));
      await renewed;
      expect(failures(results)).toEqual({});
      // The renewal in flight was asked for before the revocation and answered after it.
      expect(sandbox.stats.tokenRequests).toBe(2);
    });
  });

  describe('a 401', () => {
    it('is renewed and replayed even if the caller accepts every status; validateStatus sees the final response', async () => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.revokeTokens();
      const accepted = await moov.client.get('/ping', { validateStatus: () => true });
      expect(accepted.status).toBe(200);
      const judged = await failure(moov.client.get('/ping', { validateStatus: (status) => status === 418 }));
      expect(judged).toMatchObject({
        message: 'Request failed with status code 200',
        response: { status: 200 },
      });
    });

    it('that a new token does not fix is delivered, with what it can mean', async () => {
      const sandbox = await startSandbox();
      const moov = moovAuth('/ping.read', {
        ...sandbox.options,
        ...over,
        origin: 'https://elsewhere.example.com',
      });
      const error = await failure(moov.client.get('/ping'));
      expect(error).toMatchObject({ response: { status: 401 }, moov: { attempts: 2, ambiguous: false } });
      expect(error.message).toMatch(/Origin.*account/);
      const accepted = await moov.client.get('/ping', { validateStatus: null });
      expect(accepted.status).toBe(401);
      await moov.close();
    });

    it('differs from a 403, whose message has its own causes', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/ping', status: 403 });
      const error = await failure(moov.client.get('/ping'));
      expect(error.message).toBe(
        'Request failed with status code 403: the token lacks the scope of this call, or has it for another account',
      );
      expect(sandbox.stats.tokenRequests).toBe(1);
    });

    it('does not renew again within 5 s of one that was not cured', async () => {
      const sandbox = await startSandbox();
      const moov = moovAuth('/ping.read', {
        ...sandbox.options,
        ...over,
        origin: 'https://elsewhere.example.com',
      });
      await calls(20, () => moov.client.get('/ping'));
      const { apiRequests } = sandbox.stats;
      for (let index = 0; index < 20; index++) {
        const error = await failure(moov.client.get('/ping'));
        expect(error).toMatchObject({ response: { status: 401 }, moov: { attempts: 1 } });
        expect(error.message).toMatch(/Origin.*account/);
      }
      expect(sandbox.stats.apiRequests).toBe(apiRequests + 20);
      expect(sandbox.stats.tokenRequests).toBe(2);
      await moov.close();
    });

    /** A path that is always answered 401, with the clock of pauses in hand; tells how many tokens were asked for. */
    async function startPausing() {
      const pass = heldClock();
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.fail({ path: '/accounts', status: 401, times: Number.POSITIVE_INFINITY });
      const refused = async () => {
        await failure(moov.client.get('/accounts'));
        return sandbox.stats.tokenRequests;
      };
      return { moov, refused, pass };
    }

    it('renews less often while other calls are answered with something else', async () => {
      const { moov, refused, pass } = await startPausing();
      expect(await refused()).toBe(2);
      pass(5_001);
      await moov.client.get('/ping');
      expect(await refused()).toBe(3);
      pass(6_000);
      await moov.client.get('/ping');
      expect(await refused()).toBe(3);
    });

    it('renews every 5 s while there is nothing but 401', async () => {
      const { refused, pass } = await startPausing();
      expect(await refused()).toBe(2);
      pass(1_000);
      expect(await refused()).toBe(2);
      pass(4_001);
      expect(await refused()).toBe(3);
      pass(4_000);
      expect(await refused()).toBe(3);
      pass(1_001);
      expect(await refused()).toBe(4);
    });

    it('with a stream as its body can’t be replayed, says so at once, and has the token renewed for the next call', async () => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.revokeTokens();
      const error = await failure(moov.client.post('/accounts', Readable.from(['{}'])));
      expect(error).toBeInstanceOf(MoovReplayError);
      expect(isMoovCallError(error)).toBe(true);
      expect(error).toMatchObject({
        moov: { attempts: 1, ambiguous: false },
        cause: { response: { status: 401 } },
      });
      await moov.client.get('/ping');
      expect(sandbox.stats.tokenRequests).toBe(2);
    });

    it('with a stream as its body says so also when the token has been replaced meanwhile', async () => {
      fastClock();
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.fail({ path: '/accounts', delayMs: 400, status: 401 });
      const late = failure(moov.client.post('/accounts', Readable.from(['{}'])));
      await until(() => sandbox.stats.apiRequests === 1, 'the late call is on its way');
      await moov.renew();
      expect(await late).toBeInstanceOf(MoovReplayError);
      expect(sandbox.stats).toMatchObject({ apiRequests: 1, tokenRequests: 2 });
    });

    it('with a stream as its body does not crash the process when its renewal fails', async () => {
      const unhandled = vi.fn();
      process.on('unhandledRejection', unhandled);
      onTestFinished(() => void process.off('unhandledRejection', unhandled));
      const { sandbox, moov, count } = await startMoov();
      await moov.ready();
      sandbox.fail({ path: '/accounts', status: 401 });
      sandbox.fail({ path: '/oauth2/token', status: 400, body: { error: 'no' } });
      const error = await failure(moov.client.post('/accounts', Readable.from(['{}'])));
      expect(error).toBeInstanceOf(MoovReplayError);
      await until(() => count('token.failed') === 1, 'the renewal has failed');
      // Rejections that nobody handles are told when the microtasks are done.
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).not.toHaveBeenCalled();
    });

    it('runs the application’s own interceptors once for each call', async () => {
      const seen = { requests: 0, responses: 0 };
      const { sandbox, moov } = await startMoov({
        configure: (instance) => {
          instance.interceptors.request.use((config) => {
            seen.requests++;
            return config;
          });
          instance.interceptors.response.use((response) => {
            seen.responses++;
            return response.data;
          });
        },
      });
      await moov.ready();
      sandbox.revokeTokens();
      sandbox.fail({ path: '/accounts', status: 503 });
      expect(await moov.client.get('/accounts')).toBeInstanceOf(Array);
      expect(seen).toEqual({ requests: 1, responses: 1 });
      expect(sandbox.stats.apiRequests).toBe(3);
    });

    it('of a token that was revoked meanwhile is cured even within such a pause', async () => {
      fastClock();
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.fail({ path: '/accounts', status: 401, times: 2 });
      await failure(moov.client.get('/accounts'));
      sandbox.fail({ path: '/ping', delayMs: 1_500 });
      const inFlight = moov.client.get('/ping');
      await until(() => sandbox.requests.at(-1)?.path === '/ping', 'the call is on its way');
      await moov.revoke();
      expect(await inFlight).toMatchObject({ status: 200, moov: { attempts: 2 } });
    });

    it('gets the failure of the renewal when no new token is available', async () => {
      fastClock();
      const { sandbox, moov } = await startMoov({ tokenTimeoutMs: 2_000 });
      await moov.ready();
      sandbox.revokeTokens();
      sandbox.fail({ path: '/oauth2/token', status: 500, times: Number.POSITIVE_INFINITY });
      const error = await failure(moov.client.get('/ping'));
      expect(error).toMatchObject({ code: 'ERR_MOOV_SERVER_ERROR', status: 503, moov: { attempts: 1 } });
    });
  });
});
