import { randomUUID } from 'node:crypto';
import { type Accounts, readLabels } from './accounts.js';
import { type ApiResponse, type Call, failure, invalid, isRecord, jsonObject, Refusal } from './http.js';
import { listed } from './lists.js';
import type { Settings } from './options.js';
import type { Recorder } from './recorder.js';

/** Money. */
export interface SandboxAmount {
  /** Three letters, such as `USD` (ISO 4217). */
  readonly currency: string;
  /** In the currency's smallest unit: cents. */
  readonly value: number;
}

/** One end of a transfer. */
export interface SandboxTransferParty {
  /** As the transfer was ordered with. */
  readonly paymentMethodID: string;
  /** There is no other kind here. */
  readonly paymentMethodType: 'moov-wallet';
  /** Whose it is. Here it is the platform's own, whatever the payment method. */
  readonly account: {
    /** A UUID. */
    readonly accountID: string;
    /** Made up. */
    readonly email: string;
    /** The account's name. */
    readonly displayName: string;
  };
}

/** A refund, in the shape of Moov's responses. */
export interface RefundResponse {
  /** A UUID. */
  readonly refundID: string;
  /** In ISO 8601; likewise the next. */
  readonly createdOn: string;
  /** Equal to `createdOn`. */
  readonly updatedOn: string;
  /** It is complete at once. */
  readonly status: 'completed';
  /** How much was given back. */
  readonly amount: SandboxAmount;
}

/** A transfer, in the shape of Moov's responses. It is complete at once. */
export interface TransferResponse {
  /** A UUID. */
  readonly transferID: string;
  /** In ISO 8601; likewise the next. */
  readonly createdOn: string;
  /** Equal to `createdOn`. */
  readonly completedOn: string;
  /** It is complete at once. */
  readonly status: 'completed';
  /** How much was moved. */
  readonly amount: SandboxAmount;
  /** The paying party. */
  readonly source: SandboxTransferParty;
  /** The party that is paid. */
  readonly destination: SandboxTransferParty;
  /** As it was ordered with. */
  readonly description?: string;
  /** The caller's own names and values. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The caller's own ID of it. */
  readonly foreignID?: string;
  /** The sum of its refunds; absent when there is none. */
  readonly refundedAmount?: SandboxAmount;
  /** Its refunds, oldest first; absent when there is none. */
  readonly refunds?: readonly Omit<SandboxRefund, 'idempotencyKey' | 'transferID'>[];
}

/** A transfer that exists, with the key it was made under. */
export interface SandboxTransfer extends TransferResponse {
  /** The `X-Idempotency-Key` of the request that made it. */
  readonly idempotencyKey: string;
}

/** A refund that exists, by whichever route, with the key it was made under. */
export interface SandboxRefund extends RefundResponse {
  /** The `X-Idempotency-Key` of the request that made it. */
  readonly idempotencyKey: string;
  /** The transfer it gives back. */
  readonly transferID: string;
}

interface Transfer {
  readonly idempotencyKey: string;
  readonly made: Omit<TransferResponse, 'refundedAmount' | 'refunds'>;
  readonly refunds: SandboxRefund[];
}

/** Transfers, refunds and reversals. Each key is remembered for good. */
export class Transfers {
  readonly #settings: Settings;
  readonly #accounts: Accounts;
  readonly #recorder: Recorder;
  readonly #transfers = new Map<string, Transfer>();
  readonly #byKey = new Map<string, Transfer>();
  readonly #refundsByKey = new Map<string, SandboxRefund>();
  readonly #reversalKeys = new Set<string>();

  constructor(settings: Settings, accounts: Accounts, recorder: Recorder) {
    this.#settings = settings;
    this.#accounts = accounts;
    this.#recorder = recorder;
  }

  get transfers(): SandboxTransfer[] {
    return [...this.#transfers.values()].map((transfer) => ({
      idempotencyKey: transfer.idempotencyKey,
      ...transferResponse(transfer),
    }));
  }

  get refunds(): SandboxRefund[] {
    return [...this.#transfers.values()].flatMap(({ refunds }) => refunds);
  }

  /** `POST /accounts/{accountID}/transfers` */
  create(call: Call): ApiResponse {
    const idempotencyKey = readKey(call);
    const original = this.#byKey.get(idempotencyKey);
    if (original !== undefined) throw new Refusal({ status: 409, body: transferResponse(original) });
    const order = this.#readOrder(jsonObject(call));
    const now = new Date().toISOString();
    const made = {
      transferID: randomUUID(),
      createdOn: now,
      completedOn: now,
      status: 'completed',
      ...order,
    } as const;
    const transfer: Transfer = { idempotencyKey, made, refunds: [] };
    this.#transfers.set(made.transferID, transfer);
    this.#byKey.set(idempotencyKey, transfer);
    this.#recorder.count('transfersCreated');
    return {
      status: 200,
      body: waits(call)
        ? transferResponse(transfer)
        : { transferID: made.transferID, createdOn: made.createdOn },
    };
  }

  /** `GET /accounts/{accountID}/transfers`, filtered by `foreignID`, `status` and the time of creation */
  list(call: Call): ApiResponse {
    const found = listed([...this.#transfers.values()], call.query, {
      foreignID: ({ made }, value) => made.foreignID === value,
      status: ({ made }, value) => made.status === value,
      startDateTime: ({ made }, value) => Date.parse(made.createdOn) >= Date.parse(value),
      endDateTime: ({ made }, value) => Date.parse(made.createdOn) <= Date.parse(value),
    });
    return { status: 200, body: found.map(transferResponse) };
  }

  /** `GET /accounts/{accountID}/transfers/{transferID}` */
  get(transferID: string): ApiResponse {
    return { status: 200, body: transferResponse(this.#find(transferID)) };
  }

  /** `POST /accounts/{accountID}/transfers/{transferID}/refunds`; without a body or an amount, of all that is left. */
  refund(call: Call, transferID: string): ApiResponse {
    const key = readKey(call);
    const original = this.#refundsByKey.get(key);
    if (original !== undefined) throw new Refusal({ status: 409, body: refundResponse(original) });
    const refund = this.#giveBack(call, this.#find(transferID), key);
    this.#refundsByKey.set(key, refund);
    const { refundID, createdOn, amount } = refund;
    return { status: 200, body: waits(call) ? refundResponse(refund) : { refundID, createdOn, amount } };
  }

  /** `GET /accounts/{accountID}/transfers/{transferID}/refunds` */
  listRefunds(transferID: string): ApiResponse {
    return { status: 200, body: this.#find(transferID).refunds.map(refundResponse) };
  }

  /** `GET /accounts/{accountID}/transfers/{transferID}/refunds/{refundID}` */
  getRefund(transferID: string, refundID: string): ApiResponse {
    const refund = this.#find(transferID).refunds.find((one) => one.refundID === refundID);
    if (refund === undefined) throw failure(404, 'refund not found');
    return { status: 200, body: refundResponse(refund) };
  }

  /**
   * `POST /accounts/{accountID}/transfers/{transferID}/reversals`. A transfer that is complete is reversed by a
   * refund. A repeated key is answered without the original.
   */
  reverse(call: Call, transferID: string): ApiResponse {
    const key = readKey(call);
    if (this.#reversalKeys.has(key)) throw failure(409, 'the idempotency key has been used');
    const refund = this.#giveBack(call, this.#find(transferID), key);
    this.#reversalKeys.add(key);
    return { status: 200, body: { refund: refundResponse(refund) } };
  }

  #find(transferID: string): Transfer {
    const transfer = this.#transfers.get(transferID);
    if (transfer === undefined) throw failure(404, 'transfer not found');
    return transfer;
  }

  #giveBack(call: Call, transfer: Transfer, idempotencyKey: string): SandboxRefund {
    const { transferID, amount } = transfer.made;
    const left = amount.value - refunded(transfer);
    const value = (call.body.length === 0 ? undefined : jsonObject(call).amount) ?? left;
    if (!isPositiveInteger(value)) throw invalid({ amount: 'must be a positive integer' });
    if (value > left) throw invalid({ amount: `must be at most ${left}` });
    const now = new Date().toISOString();
    const refund: SandboxRefund = {
      idempotencyKey,
      transferID,
      refundID: randomUUID(),
      createdOn: now,
      updatedOn: now,
      status: 'completed',
      amount: { currency: amount.currency, value },
    };
    transfer.refunds.push(refund);
    this.#recorder.count('refundsCreated');
    return refund;
  }

  /** The names of the fields at fault are those of Moov's 422. */
  #readOrder(body: Record<string, unknown>) {
    const { description } = body;
    if (description !== undefined && typeof description !== 'string') {
      throw invalid({ description: 'must be a string' });
    }
    return {
      amount: readAmount(body.amount),
      source: this.#readParty(body.source, 'sourcePaymentMethodID'),
      destination: this.#readParty(body.destination, 'destinationPaymentMethodID'),
      ...(description === undefined ? {} : { description }),
      ...readLabels(body),
    };
  }

  #readParty(value: unknown, field: string): SandboxTransferParty {
    const paymentMethodID = isRecord(value) ? value.paymentMethodID : undefined;
    if (typeof paymentMethodID !== 'string' || paymentMethodID === '')
      throw invalid({ [field]: 'is required' });
    // Payment methods are not kept here, so every one is the platform's own wallet.
    const { accountID, displayName } = this.#accounts.get(this.#settings.platformAccountID);
    const account = { accountID, email: 'platform@example.com', displayName };
    return { paymentMethodID, paymentMethodType: 'moov-wallet', account };
  }
}

/** @throws Refusal with 400 without an `X-Idempotency-Key`, or for one over 36 characters. */
function readKey(call: Call): string {
  const key = call.headers['x-idempotency-key'];
  if (typeof key !== 'string' || key === '') throw failure(400, 'X-Idempotency-Key is required');
  if (key.length > 36) throw failure(400, 'X-Idempotency-Key must have at most 36 characters');
  return key;
}

function waits(call: Call): boolean {
  return call.headers['x-wait-for'] === 'rail-response';
}

function readAmount(value: unknown): SandboxAmount {
  const amount = isRecord(value) ? value : {};
  if (!isPositiveInteger(amount.value)) throw invalid({ amount: 'value must be a positive integer' });
  if (typeof amount.currency !== 'string' || !/^[A-Za-z]{3}$/.test(amount.currency)) {
    throw invalid({ amount: 'currency must be a code of three letters' });
  }
  return { currency: amount.currency, value: amount.value };
}

function isPositiveInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function refunded(transfer: Transfer): number {
  return transfer.refunds.reduce((sum, { amount }) => sum + amount.value, 0);
}

function transferResponse(transfer: Transfer): TransferResponse {
  const { made, refunds } = transfer;
  if (refunds.length === 0) return made;
  const refundedAmount = { currency: made.amount.currency, value: refunded(transfer) };
  return { ...made, refundedAmount, refunds: refunds.map(refundResponse) };
}

function refundResponse({ refundID, createdOn, updatedOn, status, amount }: SandboxRefund): RefundResponse {
  return { refundID, createdOn, updatedOn, status, amount };
}
