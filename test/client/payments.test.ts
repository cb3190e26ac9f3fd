import { beforeEach, describe, expect, it } from 'vitest';
import { fastClock } from '../helpers/fast-clock.js';
import { failure, startMoov as start } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';
import { amount, keyed, pay, transfer, transfersOf } from './transfers.js';

describe.each(transports)('over %s', (_name, over) => {
  beforeEach(() => fastClock());

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

  describe('the 409 that follows a lost response', () => {
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
      ['nothing of what was asked for', 'transfers', transfer, { transferID: 't' }, 'an error'],
      ['one thing of what was asked for', 'transfers', transfer, { transferID: 't', amount }, 'the result'],
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
      [
        'an amount that is nested by thousands',
        'refunds',
        { amount: 1204 },
        `{"refundID":"r","amount":${'{"value":'.repeat(60_000)}1204${'}'.repeat(60_000)}}`,
        'an error',
      ],
      ['another amount of a refund', 'refunds', { amount: 99 }, { refundID: 'r', amount }, 'an error'],
      [
        'a currency alone for an amount',
        'refunds',
        { amount: 1204 },
        { refundID: 'r', amount: { currency: 'USD' } },
        'an error',
      ],
      [
        'a bare number for a currency alone',
        'transfers',
        { amount: { currency: 'USD' } },
        { transferID: 't', amount: 1 },
        'an error',
      ],
      [
        'a whole refund, asked for without a body',
        'refunds',
        undefined,
        { refundID: 'r', amount },
        'an error',
      ],
    ])('with %s', async (_what, path, sent, reply, expected) => {
      expect(await after(path, sent, reply)).toBe(expected);
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
