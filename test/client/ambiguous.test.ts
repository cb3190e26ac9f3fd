import { Agent } from 'node:http';
import { MockAgent } from 'undici';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { isMoovCallError, moovAuth } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { allScopes, failure, startMoov as start, startSandbox, until } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';
import { keyed, pay, transfer, transfersOf } from './transfers.js';

describe.each(transports)('over %s', (_name, over) => {
  beforeEach(() => fastClock());

  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  describe('ambiguous', () => {
    it.each([300, 302, 304, 399, 500, 502, 503, 504])('is a %i', async (status) => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ path: transfersOf(sandbox), status });
      const error = await failure(pay(moov.client, sandbox, 'x'));
      expect(isMoovCallError(error)).toBe(true);
      expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', moov: { attempts: 1, ambiguous: true } });
    });

    it.each([400, 499, 403, 404, 409, 422, 429])('is not a %i', async (status) => {
      const { sandbox, moov } = await startMoov({ retries: 0, rateLimit: false });
      sandbox.fail({ path: transfersOf(sandbox), status });
      expect(await failure(pay(moov.client, sandbox, 'x'))).toMatchObject({
        code: 'ERR_BAD_REQUEST',
        moov: { attempts: 1, ambiguous: false },
      });
    });

    it.each([400, 403, 404, 409, 410, 412, 422, 425, 429, 451, 499])(
      'stays a call whose response was lost, when the retry gets a %i',
      async (status) => {
        const { sandbox, moov } = await startMoov({ retries: 1, rateLimit: false });
        sandbox.fail({ path: transfersOf(sandbox), drop: 'before' });
        sandbox.fail({ path: transfersOf(sandbox), status });
        expect(await failure(pay(moov.client, sandbox, 'x'))).toMatchObject({
          moov: { attempts: 2, ambiguous: true },
        });
      },
    );

    it.each([
      ['put', 412],
      ['delete', 404],
      ['delete', 410],
      ['delete', 422],
    ])('stays a %s whose lost attempt may be what the %i is about', async (method, status) => {
      const { sandbox, moov } = await startMoov({ retries: 1 });
      sandbox.fail({ path: '/accounts', drop: 'before' });
      sandbox.fail({ path: '/accounts', status });
      const error = await failure(moov.client.request({ method, url: '/accounts', data: {} }));
      expect(error).toMatchObject({ moov: { attempts: 2, ambiguous: true } });
    });

    it.each([
      [200, true],
      [422, false],
      [503, true],
    ])(
      'is told even when the caller’s validateStatus throws: a %i leaves it at %s',
      async (status, ambiguous) => {
        const { sandbox, moov } = await startMoov({ retries: 0 });
        sandbox.fail({ path: transfersOf(sandbox), status });
        const validateStatus = () => {
          throw new Error('mine');
        };
        const error = await failure(
          moov.client.post(transfersOf(sandbox), transfer, { ...keyed('throws'), validateStatus }),
        );
        expect(error).toMatchObject({ message: 'mine', moov: { attempts: 1, ambiguous } });
      },
    );

    it('is not a call whose connections were all refused', async () => {
      const axios = { httpAgent: new Agent({ keepAlive: false }) };
      const { sandbox, moov } = await startMoov({ retries: 1, axios });
      await moov.ready();
      await sandbox.close();
      const error = await failure(pay(moov.client, sandbox, 'refused'));
      expect(error).toMatchObject({ code: 'ECONNREFUSED', moov: { attempts: 2, ambiguous: false } });
    });

    it('is false for a call without a token', async () => {
      const sandbox = await startSandbox();
      const moov = moovAuth(allScopes(sandbox), { ...sandbox.options, ...over, clientSecret: 'wrong' });
      const error = await failure(pay(moov.client, sandbox, 'x'));
      expect(error).toMatchObject({
        code: 'ERR_MOOV_CREDENTIALS_REFUSED',
        moov: { attempts: 0, ambiguous: false },
      });
      await moov.close();
    });

    it.each([200, 409])('is a %i that cannot be parsed, and no result', async (status) => {
      const { sandbox, moov } = await startMoov({ retries: 1 });
      sandbox.fail({ path: transfersOf(sandbox), drop: 'before' });
      sandbox.fail({ path: transfersOf(sandbox), status, body: '{"transferID":' });
      const strict = { responseType: 'json', transitional: { silentJSONParsing: false } } as const;
      const config = { ...keyed('half'), ...strict, validateStatus: () => true };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      expect(error).toMatchObject({
        code: 'ERR_BAD_RESPONSE',
        response: { status },
        moov: { attempts: 2, ambiguous: true },
      });
    });

    it('is a redirect to elsewhere, which is not followed', async () => {
      const { sandbox, moov } = await startMoov();
      const headers = { location: 'https://elsewhere.example.com/' };
      sandbox.fail({ path: transfersOf(sandbox), status: 307, headers });
      const error = await failure(pay(moov.client, sandbox, 'redirected'));
      expect(error).toMatchObject({
        code: 'ERR_MOOV_ORIGIN',
        upstreamStatus: 307,
        moov: { attempts: 1, ambiguous: true },
      });
      expect(sandbox.stats.apiRequests).toBe(1);
    });

    it('is true for a lost response after which no token is available for a retry', async () => {
      const { sandbox, moov, count } = await startMoov({ tokenTimeoutMs: 2_000 });
      await moov.ready();
      sandbox.fail({ path: transfersOf(sandbox), status: 503, headers: { 'retry-after': '1' } });
      sandbox.fail({ path: '/oauth2/token', status: 400, body: { error: 'no' }, times: 10 });
      const call = failure(pay(moov.client, sandbox, 'no token'));
      await until(() => count('call.retried') === 1, 'the wait has begun');
      await moov.revoke();
      expect(await call).toMatchObject({
        code: 'ERR_MOOV_TOKEN_REFUSED',
        moov: { attempts: 1, ambiguous: true },
      });
    });

    it('is true for a response that was cut short, whatever the caller’s validateStatus says', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ path: transfersOf(sandbox), truncate: true });
      const config = { ...keyed('cut'), validateStatus: () => true };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      expect(error).toMatchObject({ moov: { attempts: 1, ambiguous: true } });
      expect(sandbox.transfers).toHaveLength(1);
    });

    it('is true for a 2xx that is rejected by the caller', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      const config = { ...keyed('accepted'), validateStatus: (status: number) => status === 201 };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      expect(error).toMatchObject({ response: { status: 200 }, moov: { attempts: 1, ambiguous: true } });
      expect(sandbox.transfers).toHaveLength(1);
    });
  });
});

it('is true when an abort comes between the 2xx of a replay and its delivery', async () => {
  // The turn of the abort is decisive, so the response comes from undici's own Dispatcher for tests.
  const told: boolean[] = [];
  for (let turns = 0; turns < 8; turns++) {
    const transport = new MockAgent();
    transport.disableNetConnect();
    onTestFinished(() => transport.close());
    const moov = moovAuth('/accounts.write', {
      ...{ clientId: 'pk', clientSecret: 'sk', origin: 'https://app.example.com' },
      transport,
    });
    onTestFinished(() => moov.close());
    const api = transport.get('https://api.moov.io');
    let tokens = 0;
    api
      .intercept({ path: '/oauth2/token', method: 'POST' })
      .reply(200, () => ({ access_token: `token-number-${++tokens}`, token_type: 'Bearer', expires_in: 900 }))
      .times(2);
    const controller = new AbortController();
    const later = async () => {
      for (let turn = 0; turn < turns; turn++) await undefined;
      controller.abort();
    };
    api.intercept({ path: '/transfers', method: 'POST' }).reply(401, '');
    api.intercept({ path: '/transfers', method: 'POST' }).reply(200, () => {
      void later();
      return { transferID: '1' };
    });
    await moov.ready();
    const outcome = await moov.client.post('/transfers', {}, { signal: controller.signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (isMoovCallError(outcome)) told.push(outcome.moov.ambiguous);
  }
  expect(told.length).toBeGreaterThan(0);
  expect(new Set(told)).toEqual(new Set([true]));
});
