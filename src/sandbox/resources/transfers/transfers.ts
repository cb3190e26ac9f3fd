import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type ApiResponse,
  type Call,
  failure,
  invalid,
  jsonObject,
  notServed,
  Refusal,
} from '../../http/call.js';
import { amount, labels, optionalText, readBody } from '../../http/fields.js';
import type { Recorder } from '../../recorder.js';
import { emailOf } from '../account.js';
import type { Capabilities } from '../capabilities.js';
import type { OwnedPaymentMethod, PaymentMethods } from '../funding/payment-methods.js';
import { list } from '../lists.js';
import { readKey, waitsForRail } from '../request-headers.js';
import { route } from '../route.js';
import { whyNot } from './rules.js';
import type { SettledStatus, Settlement } from './settlement.js';
import {
  type Party,
  type SandboxRefund,
  type SandboxTransfer,
  type Transfer,
  transferResponse,
} from './transfer.js';

const one = '/accounts/{accountID}/transfers/{transferID}';

/** What Moov takes in an order and the sandbox does not act on. */
const lacking = ['facilitatorFee', 'lineItems', 'amountDetails', 'feePaidBy'];

const party = z.looseObject({ paymentMethodID: optionalText }).optional();
const order = z.object({
  amount,
  source: party,
  destination: party,
  description: optionalText,
  ...labels,
});
const patch = z.object({ metadata: labels.metadata.nullable(), foreignID: labels.foreignID.nullable() });

/**
 * Transfers. Each idempotency key is remembered until a reset.
 *
 * @see {@link https://docs.moov.io/api/money-movement/transfers/ | Moov: transfers}
 */
export class Transfers {
  readonly #paymentMethods: PaymentMethods;
  readonly #capabilities: Capabilities;
  readonly #settlement: Settlement;
  readonly #recorder: Recorder;
  readonly #transfers = new Map<string, Transfer>();
  readonly #byKey = new Map<string, Transfer>();

  readonly routes = [
    route('POST', '/accounts/{accountID}/transfers', (call) => this.#create(call)),
    route('GET', '/accounts/{accountID}/transfers', (call) => this.#list(call)),
    route('GET', one, (_, { transferID }) => response(this.find(transferID))),
    route('PATCH', one, (call, { transferID }) => this.#update(call, transferID)),
  ];

  constructor(
    paymentMethods: PaymentMethods,
    capabilities: Capabilities,
    settlement: Settlement,
    recorder: Recorder,
  ) {
    this.#paymentMethods = paymentMethods;
    this.#capabilities = capabilities;
    this.#settlement = settlement;
    this.#recorder = recorder;
  }

  get all(): SandboxTransfer[] {
    return [...this.#transfers.values()].map(withKey);
  }

  get refunds(): SandboxRefund[] {
    return [...this.#transfers.values()].flatMap(({ refunds }) => refunds);
  }

  /** @throws Refusal with 404 for a transfer that does not exist. */
  find(transferID: string): Transfer {
    const transfer = this.#transfers.get(transferID);
    if (transfer === undefined) throw failure(404, 'transfer not found');
    return transfer;
  }

  /** @throws Error for a transfer that does not exist, and for a status that it can't come to. */
  settle(transferID: string, status?: SettledStatus): SandboxTransfer {
    const transfer = this.#transfers.get(transferID);
    if (transfer === undefined) throw new Error('settle: there is no transfer of that ID.');
    this.#settlement.settle(transfer, status);
    return withKey(transfer);
  }

  #create(call: Call): ApiResponse {
    const idempotencyKey = readKey(call);
    const original = this.#byKey.get(idempotencyKey);
    if (original !== undefined) throw new Refusal({ status: 409, body: transferResponse(original) });
    const body = jsonObject(call);
    const unknown = lacking.find((name) => name in body);
    if (unknown !== undefined) throw notServed(`"${unknown}" of transfers`);
    const transfer: Transfer = {
      idempotencyKey,
      transferID: randomUUID(),
      createdOn: new Date().toISOString(),
      ...this.#readOrder(call),
      status: 'pending',
      cancellations: [],
      refunds: [],
    };
    this.#settlement.begin(transfer);
    this.#transfers.set(transfer.transferID, transfer);
    this.#byKey.set(idempotencyKey, transfer);
    this.#recorder.count('transfersCreated');
    const { transferID, createdOn } = transfer;
    return waitsForRail(call) ? response(transfer) : { status: 200, body: { transferID, createdOn } };
  }

  #readOrder(call: Call) {
    const { source: from, destination: to, ...rest } = readBody(call, order);
    if (from?.transferID !== undefined) throw notServed('groups of transfers');
    const source = this.#find(from?.paymentMethodID, 'sourcePaymentMethodID');
    const destination = this.#find(to?.paymentMethodID, 'destinationPaymentMethodID');
    const wrong = whyNot({ source, destination }, this.#capabilities);
    if (wrong !== undefined) throw invalid(wrong);
    const { description, metadata, foreignID } = rest;
    return {
      amount: rest.amount,
      description,
      metadata,
      foreignID,
      source: partyOf(source),
      destination: partyOf(destination),
    };
  }

  #find(paymentMethodID: string | undefined, field: string): OwnedPaymentMethod {
    if (!paymentMethodID) throw invalid({ [field]: 'is required' });
    const found = this.#paymentMethods.find(paymentMethodID);
    if (found === undefined) throw invalid({ [field]: 'there is no such payment method' });
    return found;
  }

  #list(call: Call): ApiResponse {
    return list(
      call,
      this.all.map(({ idempotencyKey: _, ...transfer }) => transfer),
      {
        filters: {
          accountIDs: ({ source, destination }, value) =>
            value
              .split(',')
              .some((id) => id === source.account.accountID || id === destination.account.accountID),
          foreignID: ({ foreignID }, value) => foreignID === value,
          refunded: ({ refunds }, value) => (refunds !== undefined) === (value === 'true'),
          status: ({ status }, value) => status === value,
          startDateTime: ({ createdOn }, value) => Date.parse(createdOn) >= Date.parse(value),
          endDateTime: ({ createdOn }, value) => Date.parse(createdOn) <= Date.parse(value),
        },
        flags: ['refunded'],
        times: ['startDateTime', 'endDateTime'],
        lacking: ['authorizationIDs', 'captureIDs', 'disputed', 'groupID', 'paymentLinkCode', 'scheduleID'],
      },
    );
  }

  #update(call: Call, transferID: string): ApiResponse {
    const transfer = this.find(transferID);
    const { metadata, foreignID } = readBody(call, patch);
    // null takes a value away, and what is absent stays.
    if (metadata !== undefined) transfer.metadata = metadata ?? undefined;
    if (foreignID !== undefined) transfer.foreignID = foreignID ?? undefined;
    return response(transfer);
  }
}

function response(transfer: Transfer): ApiResponse {
  return { status: 200, body: transferResponse(transfer) };
}

function withKey(transfer: Transfer): SandboxTransfer {
  return { idempotencyKey: transfer.idempotencyKey, ...transferResponse(transfer) };
}

function partyOf({ account, method }: OwnedPaymentMethod): Party {
  const { accountID, displayName } = account;
  return { ...method, account: { accountID, email: emailOf(account), displayName } };
}
