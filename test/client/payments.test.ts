import { createReadStream } from 'node:fs';
import { Agent } from 'node:http';
import { PassThrough, Readable, Stream } from 'node:stream';
import type { AxiosInstance } from 'axios';
import { describe, expect, it } from 'vitest';
import { idempotencyKey, isMoovCallError, MoovReplayError, moovAuth } from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { allScopes, failure, startMoov as start, startSandbox, until } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

const amount = { currency: 'USD', value: 1204 };
const transfer = {
  source: { paymentMethodID: '5b6f8a1e-0000-4000-8000-000000000001' },
  destination: { paymentMethodID: '5b6f8a1e-0000-4000-8000-000000000002' },
  amount,
};
const keyed = (...parts: (string | number)[]) => ({
  headers: { 'X-Idempotency-Key': idempotencyKey(...parts) },
});
const transfersOf = (sandbox: MoovSandbox) => `/accounts/${sandbox.platformAccountID}/transfers`;
const pay = (client: AxiosInstance, sandbox: MoovSandbox, key: string, body: unknown = transfer) =>
  client.post(transfersOf(sandbox), body, keyed(key));

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  describe('a transfer whose answer was lost', () => {
    it('is sent again under the same key; the 409 that answers it is the result', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: transfersOf(sandbox), drop: 'after' });
      const response = await pay(moov.client, sandbox, 'lost');
      expect(sandbox.transfers).toHaveLength(1);
      expect(response).toMatchObject({
        status: 409,
        data: { transferID: sandbox.transfers[0]?.transferID, amount },
        moov: { attempts: 2, ambiguous: false },
      });
    });

    it('is sent again also when an earlier attempt was answered', async () => {
      const { sandbox, moov } = await startMoov();
      const headers = { 'retry-after-ms': '5' };
      sandbox.fail({ path: transfersOf(sandbox), status: 429, headers });
      sandbox.fail({ path: transfersOf(sandbox), drop: 'after' });
      const response = await pay(moov.client, sandbox, 'answered, then lost');
      expect(response).toMatchObject({ status: 409, moov: { attempts: 3, ambiguous: false } });
      expect(sandbox.transfers).toHaveLength(1);
    });

    it('is the result even when the caller’s validateStatus refuses a 409', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: transfersOf(sandbox), truncate: true });
      const config = { ...keyed('cut'), validateStatus: (status: number) => status === 200 };
      const response = await moov.client.post(transfersOf(sandbox), transfer, config);
      expect(response).toMatchObject({ status: 409, data: { transferID: sandbox.transfers[0]?.transferID } });
    });

    it('is the result whichever way the path is written', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: transfersOf(sandbox), drop: 'after' });
      const response = await moov.client.post(transfersOf(sandbox).slice(1), transfer, keyed('no slash'));
      expect(response).toMatchObject({ status: 409, moov: { attempts: 2, ambiguous: false } });
    });

    it('is the result of a refund too', async () => {
      const { sandbox, moov } = await startMoov();
      const made = await pay(moov.client, sandbox, 'to refund');
      const refunds = `${transfersOf(sandbox)}/${made.data.transferID}/refunds`;
      sandbox.fail({ path: refunds, drop: 'after' });
      const response = await moov.client.post(refunds, { amount: 1204 }, keyed('refund'));
      expect(response).toMatchObject({ status: 409, moov: { attempts: 2, ambiguous: false } });
      expect(sandbox.refunds).toHaveLength(1);
      expect(response.data.refundID).toBe(sandbox.refunds[0]?.refundID);
    });

    it('stays ambiguous when a 401 and a 429 follow, until the 409 settles it', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: transfersOf(sandbox), drop: 'after' });
      sandbox.fail({ path: transfersOf(sandbox), status: 401 });
      sandbox.fail({ path: transfersOf(sandbox), status: 429, headers: { 'retry-after-ms': '10' } });
      const response = await pay(moov.client, sandbox, 'long way');
      expect(response).toMatchObject({ status: 409, moov: { attempts: 4, ambiguous: false } });
      expect(sandbox.transfers).toHaveLength(1);
    });
  });

  describe('any other 409 is the caller’s error', () => {
    it('that of a first attempt', async () => {
      const { sandbox, moov } = await startMoov();
      await pay(moov.client, sandbox, 'again');
      const error = await failure(pay(moov.client, sandbox, 'again'));
      expect(error).toMatchObject({ response: { status: 409 }, moov: { attempts: 1, ambiguous: false } });
    });

    it('that of a reversal, whose body has no result; it stays ambiguous', async () => {
      const { sandbox, moov } = await startMoov();
      const made = await pay(moov.client, sandbox, 'to reverse');
      const reversals = `${transfersOf(sandbox)}/${made.data.transferID}/reversals`;
      sandbox.fail({ path: reversals, drop: 'after' });
      const error = await failure(moov.client.post(reversals, { amount: 1204 }, keyed('reversal')));
      expect(error).toMatchObject({ response: { status: 409 }, moov: { attempts: 2, ambiguous: true } });
    });

    it('that of a PATCH', async () => {
      const { sandbox, moov } = await startMoov();
      const path = `${transfersOf(sandbox)}/1`;
      sandbox.fail({ path, drop: 'after' });
      sandbox.fail({ path, status: 409, body: { transferID: '1' } });
      const error = await failure(moov.client.patch(path, {}, keyed('patch')));
      expect(error).toMatchObject({ response: { status: 409 }, moov: { attempts: 2, ambiguous: true } });
    });

    it('one whose body contradicts what was sent as a Buffer', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: transfersOf(sandbox), drop: 'after' });
      const original = { transferID: 't', ...transfer, amount: { currency: 'USD', value: 99 } };
      sandbox.fail({ path: transfersOf(sandbox), status: 409, body: original });
      const body = Buffer.from(JSON.stringify(transfer));
      const headers = { ...keyed('buffer').headers, 'Content-Type': 'application/json' };
      const error = await failure(moov.client.post(transfersOf(sandbox), body, { headers }));
      expect(error).toMatchObject({ response: { status: 409 }, moov: { attempts: 2, ambiguous: true } });
    });

    it.each([
      ['another amount', { amount: { currency: 'USD', value: 99 } }],
      ['another currency', { amount: { currency: 'EUR', value: 1204 } }],
      ['another source', { source: { paymentMethodID: 'other' } }],
      ['another destination', { destination: { paymentMethodID: 'other' } }],
      ['no ID', { transferID: '' }],
    ])('one whose body has %s', async (_what, difference) => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: transfersOf(sandbox), drop: 'after' });
      const body = { transferID: 't', ...transfer, ...difference };
      sandbox.fail({ path: transfersOf(sandbox), status: 409, body });
      const error = await failure(pay(moov.client, sandbox, 'contradiction'));
      expect(error).toMatchObject({ response: { status: 409 }, moov: { attempts: 2, ambiguous: true } });
    });
  });

  describe('the 409 that follows a lost answer', () => {
    /** What becomes of a call whose first attempt is lost, and whose second one is answered 409 with this body. */
    async function after(path: 'transfers' | 'refunds', sent: unknown, reply: object | string) {
      const { sandbox, moov } = await startMoov();
      const url = transfersOf(sandbox) + (path === 'refunds' ? '/t/refunds' : '');
      sandbox.fail({ path: url, drop: 'before' });
      sandbox.fail({ path: url, status: 409, body: reply });
      const headers = { ...keyed('lost').headers, 'Content-Type': 'application/json' };
      const settled = await moov.client.post(url, sent, { headers }).then(
        () => 'the result',
        (error: unknown) => error,
      );
      if (settled === 'the result') return settled;
      expect(settled).toMatchObject({ response: { status: 409 }, moov: { attempts: 2, ambiguous: true } });
      return 'an error';
    }

    const bytes = new TextEncoder().encode(JSON.stringify(transfer));
    const original = { transferID: 't', ...transfer };
    const dearer = { ...original, amount: { currency: 'USD', value: 99 } };
    it.each<[string, 'transfers' | 'refunds', unknown, object | string, string]>([
      ['no JSON', 'transfers', transfer, 'conflict', 'an error'],
      ['a list', 'transfers', transfer, '[]', 'an error'],
      ['an ID that is no text', 'transfers', transfer, { ...original, transferID: 1 }, 'an error'],
      [
        'the ID of the other kind',
        'transfers',
        transfer,
        { ...original, transferID: '', refundID: 'r' },
        'an error',
      ],
      ['what bytes asked for', 'transfers', bytes, original, 'the result'],
      ['other than bytes asked for', 'transfers', bytes, dearer, 'an error'],
      ['more than was asked for', 'transfers', transfer, { ...original, status: 'completed' }, 'the result'],
      ['less than was asked for', 'transfers', transfer, { transferID: 't' }, 'the result'],
      [
        'the currency in lower case',
        'transfers',
        transfer,
        { ...original, amount: { currency: 'usd', value: 1204 } },
        'the result',
      ],
      ['a bare number for an amount', 'transfers', transfer, { ...original, amount: 1204 }, 'the result'],
      ['another bare number for an amount', 'transfers', transfer, { ...original, amount: 99 }, 'an error'],
      ['the amount of a refund', 'refunds', { amount: 1204 }, { refundID: 'r', amount }, 'the result'],
      ['another amount of a refund', 'refunds', { amount: 99 }, { refundID: 'r', amount }, 'an error'],
      [
        'a currency alone for an amount',
        'refunds',
        { amount: 1204 },
        { refundID: 'r', amount: { currency: 'USD' } },
        'the result',
      ],
      [
        'a bare number for a currency alone',
        'transfers',
        { amount: { currency: 'USD' } },
        { transferID: 't', amount: 1 },
        'the result',
      ],
      [
        'a whole refund, asked for without a body',
        'refunds',
        undefined,
        { refundID: 'r', amount },
        'the result',
      ],
    ])('with %s', async (_what, path, sent, reply, expected) => {
      expect(await after(path, sent, reply)).toBe(expected);
    });
  });

  describe('ambiguous', () => {
    it.each([300, 302, 304, 399, 500, 502, 503, 504])('is a %i', async (status) => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ path: transfersOf(sandbox), status });
      const error = await failure(pay(moov.client, sandbox, 'x'));
      expect(isMoovCallError(error)).toBe(true);
      expect(error).toMatchObject({ moov: { attempts: 1, ambiguous: true } });
    });

    it.each([400, 499, 403, 404, 409, 422, 429])('is not a %i', async (status) => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ path: transfersOf(sandbox), status });
      expect(await failure(pay(moov.client, sandbox, 'x'))).toMatchObject({
        moov: { attempts: 1, ambiguous: false },
      });
    });

    it.each([
      [400, false],
      [422, false],
      [403, true],
      [409, true],
      [429, true],
    ])('after a lost answer, a %i leaves it at %s', async (status, ambiguous) => {
      const { sandbox, moov } = await startMoov({ retries: 1 });
      sandbox.fail({ path: transfersOf(sandbox), drop: 'before' });
      sandbox.fail({ path: transfersOf(sandbox), status });
      expect(await failure(pay(moov.client, sandbox, 'x'))).toMatchObject({
        moov: { attempts: 2, ambiguous },
      });
    });

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

    it('is not a call for which no token could be had', async () => {
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

    it('is a lost answer after which no token is to be had for a retry', async () => {
      const { sandbox, moov, count } = await startMoov({ tokenTimeoutMs: 500 });
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

    it('is a reply that was cut short, whatever the caller’s validateStatus says', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ path: transfersOf(sandbox), truncate: true });
      const config = { ...keyed('cut'), validateStatus: () => true };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      expect(error).toMatchObject({ moov: { attempts: 1, ambiguous: true } });
      expect(sandbox.transfers).toHaveLength(1);
    });

    it('is a reply of 2xx that is rejected after all', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      const config = { ...keyed('accepted'), validateStatus: (status: number) => status === 201 };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      expect(error).toMatchObject({ response: { status: 200 }, moov: { attempts: 1, ambiguous: true } });
      expect(sandbox.transfers).toHaveLength(1);
    });
  });

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
      expect(performance.now() - began).toBeLessThan(5_000);
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

  describe('bodies', () => {
    /** As the form-data package's are: with `pipe`, and not a Readable. */
    const oldStream = () => {
      const stream = new Stream();
      stream.on('newListener', (name) => {
        if (name !== 'end') return;
        setImmediate(() => {
          stream.emit('data', Buffer.from('{}'));
          stream.emit('end');
        });
      });
      return stream;
    };
    const form = () => {
      const body = new FormData();
      body.append('file', new Blob(['a'.repeat(1_000)]), 'a.txt');
      return body;
    };
    it.each<[string, () => unknown]>([
      ['nothing', () => null],
      ['JSON', () => ({ a: 1 })],
      ['a string', () => 'a=1'],
      ['a Buffer', () => Buffer.from([1, 2, 3])],
      ['URLSearchParams', () => new URLSearchParams({ a: '1' })],
      ['FormData', form],
      ['a Blob', () => new Blob(['abc'], { type: 'text/plain' })],
    ])('%s is sent again after a 503 and a 401, byte for byte', async (_kind, body) => {
      const received: string[] = [];
      const { sandbox, moov } = await startMoov({
        configure: (instance) => {
          instance.defaults.headers.common['Content-Encoding'] = 'identity';
        },
      });
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '5' } });
      sandbox.fail({ path: '/accounts', status: 401 });
      await failure(moov.client.post('/accounts', body(), keyed('body')));
      for (const request of sandbox.requests.filter(({ path }) => path === '/accounts')) {
        received.push(`${request.headers['content-type']} ${request.headers['content-length']}`);
      }
      expect(received).toHaveLength(3);
      expect(new Set(received).size).toBe(1);
    });

    it.each<[string, () => unknown]>([
      ['a Node stream', () => Readable.from(['{}'])],
      ['a stream that is still open', () => new PassThrough().end('{}')],
      ['a stream of the old kind', oldStream],
    ])('%s can’t be: MoovReplayError at once, with the cause and what is ambiguous', async (_kind, body) => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after': '5' } });
      const began = performance.now();
      const error = await failure(moov.client.post('/accounts', body(), keyed('stream')));
      expect(error).toBeInstanceOf(MoovReplayError);
      expect(error).toMatchObject({
        moov: { attempts: 1, ambiguous: true },
        cause: { response: { status: 503 } },
      });
      expect(performance.now() - began).toBeLessThan(4_000);
      expect(sandbox.stats.apiRequests).toBe(1);
    });
  });

  it('a stream whose connection broke off is a MoovReplayError too, without a status', async () => {
    const { sandbox, moov } = await startMoov();
    sandbox.fail({ path: '/accounts', drop: 'before' });
    const error = await failure(moov.client.post('/accounts', Readable.from(['{}']), keyed('stream')));
    expect(error).toBeInstanceOf(MoovReplayError);
    expect(error.upstreamStatus).toBeUndefined();
    expect(error).toMatchObject({ moov: { attempts: 1, ambiguous: true }, cause: { code: 'ECONNRESET' } });
  });

  describe('a body stream that fails', () => {
    it('while a token is awaited ends the call, unsent, and crashes nobody', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/oauth2/token', delayMs: 200 });
      const missing = createReadStream('/nowhere/at/all');
      const error = await failure(moov.client.post('/accounts', missing));
      expect(error).toMatchObject({
        message: expect.stringContaining('ENOENT'),
        moov: { attempts: 0, ambiguous: false },
      });
      expect(sandbox.stats.apiRequests).toBe(0);
    });

    it('of a call that is refused crashes nobody', async () => {
      const { moov } = await startMoov();
      const missing = createReadStream('/nowhere/at/all');
      const error = await failure(moov.client.post('//elsewhere', missing));
      expect(error).toMatchObject({ code: 'ERR_MOOV_ORIGIN' });
      if (!missing.closed) await new Promise<void>((resolve) => missing.once('close', () => resolve()));
    });

    it('and was over before the call ends it at once', async () => {
      const { moov } = await startMoov();
      await moov.ready();
      const over = Readable.from(['{}']).destroy();
      const error = await failure(moov.client.post('/accounts', over));
      expect(error).toMatchObject({ code: 'ERR_BAD_REQUEST', moov: { attempts: 0, ambiguous: false } });
    });
  });

  it('refuses a key longer than 36 characters, and an empty one, before sending', async () => {
    const { sandbox, moov } = await startMoov();
    for (const key of ['x'.repeat(37), '']) {
      const config = { headers: { 'X-Idempotency-Key': key } };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      expect(error).toMatchObject({ code: 'ERR_MOOV_CONFIG', moov: { attempts: 0 } });
      expect(error.message).toMatch(/X-Idempotency-Key.*36/);
    }
    expect(sandbox.stats.apiRequests).toBe(0);
  });
});
