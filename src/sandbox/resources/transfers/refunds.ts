import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type ApiResponse, type Call, failure, invalid, Refusal } from '../../http/call.js';
import { mustBe, readBody } from '../../http/fields.js';
import type { Recorder } from '../../recorder.js';
import { list } from '../lists.js';
import { readKey, waitsForRail } from '../request-headers.js';
import { route } from '../route.js';
import type { Settlement } from './settlement.js';
import { refundedCents, refundResponse, type SandboxRefund, type Transfer } from './transfer.js';
import type { Transfers } from './transfers.js';

const transfer = '/accounts/{accountID}/transfers/{transferID}';

const cents = z.int(mustBe('a positive integer')).positive('must be a positive integer');
const wanted = z.object({ amount: cents.optional() });

/**
 * What gives money back: refunds, reversals and cancellations. Each key of the first two is remembered until a reset.
 *
 * @see {@link https://docs.moov.io/guides/accept-payments/cards/reversals/ | Moov: reversals}
 * @see {@link https://docs.moov.io/guides/accept-payments/cards/refunds/ | Moov: refunds}
 */
export class Refunds {
  readonly #transfers: Transfers;
  readonly #settlement: Settlement;
  readonly #recorder: Recorder;
  readonly #byKey = new Map<string, SandboxRefund>();
  readonly #reversalKeys = new Set<string>();

  readonly routes = [
    route('POST', `${transfer}/refunds`, (call, { transferID }) => this.#refund(call, transferID)),
    route('GET', `${transfer}/refunds`, (call, { transferID }) =>
      list(call, this.#transfers.find(transferID).refunds.map(refundResponse), { paged: false }),
    ),
    route('GET', `${transfer}/refunds/{refundID}`, (_, { transferID, refundID }) =>
      this.#get(transferID, refundID),
    ),
    route('POST', `${transfer}/reversals`, (call, { transferID }) => this.#reverse(call, transferID)),
    route('POST', `${transfer}/cancellations`, (_, { transferID }) => this.#cancel(transferID)),
  ];

  constructor(transfers: Transfers, settlement: Settlement, recorder: Recorder) {
    this.#transfers = transfers;
    this.#settlement = settlement;
    this.#recorder = recorder;
  }

  /** Without a body or an amount, it refunds everything that is left. */
  #refund(call: Call, transferID: string): ApiResponse {
    const key = readKey(call);
    const original = this.#byKey.get(key);
    if (original !== undefined) throw new Refusal({ status: 409, body: refundResponse(original) });
    const refund = this.#giveBack(this.#transfers.find(transferID), key, readCents(call));
    this.#byKey.set(key, refund);
    const { refundID, createdOn, amount } = refund;
    return {
      status: 200,
      body: waitsForRail(call) ? refundResponse(refund) : { refundID, createdOn, amount },
    };
  }

  #get(transferID: string, refundID: string): ApiResponse {
    const refund = this.#transfers.find(transferID).refunds.find((one) => one.refundID === refundID);
    if (refund === undefined) throw failure(404, 'refund not found');
    return { status: 200, body: refundResponse(refund) };
  }

  /**
   * A payment that has not settled is canceled, if it is reversed whole; any other is refunded. A repeated key is
   * answered without the original.
   */
  #reverse(call: Call, transferID: string): ApiResponse {
    const key = readKey(call);
    if (this.#reversalKeys.has(key)) throw failure(409, 'the idempotency key has been used');
    const found = this.#transfers.find(transferID);
    const value = readCents(call);
    const isWhole = found.refunds.length === 0 && (value ?? found.amount.value) === found.amount.value;
    const cancels = found.status === 'pending' && found.source.card !== undefined && isWhole;
    const body = cancels
      ? { cancellation: this.#cancelPending(found) }
      : { refund: refundResponse(this.#giveBack(found, key, value)) };
    this.#reversalKeys.add(key);
    return { status: 200, body };
  }

  /** Moov's documents do not say how a cancellation that comes too late is refused; the SDK knows 400 alone. */
  #cancel(transferID: string): ApiResponse {
    const found = this.#transfers.find(transferID);
    if (found.status !== 'pending' || found.refunds.length > 0) {
      throw failure(400, `a transfer can be canceled while it is pending; this one is ${found.status}`);
    }
    return { status: 200, body: this.#cancelPending(found) };
  }

  #cancelPending(found: Transfer) {
    const cancellation = {
      cancellationID: randomUUID(),
      status: 'completed',
      createdOn: new Date().toISOString(),
    } as const;
    this.#settlement.cancel(found);
    found.cancellations.push(cancellation);
    return cancellation;
  }

  #giveBack(found: Transfer, idempotencyKey: string, wantedCents: number | undefined): SandboxRefund {
    if (found.source.card === undefined) throw invalid({ error: 'only card payments can be refunded' });
    const isPaid = found.status === 'pending' || found.status === 'completed';
    if (!isPaid) throw invalid({ error: `the transfer is ${found.status}` });
    const left = found.amount.value - refundedCents(found);
    const value = wantedCents ?? left;
    if (value > left || value === 0) throw invalid({ amount: `must be at most ${left}` });
    const now = new Date().toISOString();
    const refund: SandboxRefund = {
      idempotencyKey,
      transferID: found.transferID,
      refundID: randomUUID(),
      createdOn: now,
      updatedOn: now,
      status: 'completed',
      amount: { currency: found.amount.currency, value },
    };
    this.#settlement.refund(found, value);
    found.refunds.push(refund);
    this.#recorder.count('refundsCreated');
    return refund;
  }
}

function readCents(call: Call): number | undefined {
  return call.body.length === 0 ? undefined : readBody(call, wanted).amount;
}
