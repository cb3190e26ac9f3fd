import { types } from 'node:util';
import { z } from 'zod';
import { MoovWebhookError } from '../errors.js';
import { isObject } from '../utils/value-type.js';

/** @inline */
type KnownEventType =
  | 'account.created'
  | 'account.disconnected'
  | 'account.updated'
  | 'authorization.expiring'
  | 'balance.updated'
  | 'bankAccount.created'
  | 'bankAccount.deleted'
  | 'bankAccount.updated'
  | 'billingStatement.created'
  | 'cancellation.created'
  | 'cancellation.updated'
  | 'capability.requested'
  | 'capability.updated'
  | 'card.autoUpdated'
  | 'dispute.created'
  | 'dispute.updated'
  | 'event.test'
  | 'invoice.created'
  | 'invoice.updated'
  | 'networkID.updated'
  | 'paymentMethod.disabled'
  | 'paymentMethod.enabled'
  | 'refund.created'
  | 'refund.updated'
  | 'representative.created'
  | 'representative.deleted'
  | 'representative.updated'
  | 'sweep.created'
  | 'sweep.updated'
  | 'terminalApplication.created'
  | 'terminalApplication.updated'
  | 'ticket.created'
  | 'ticket.messageAdded'
  | 'ticket.updated'
  | 'transfer.created'
  | 'transfer.updated'
  | 'wallet.created'
  | 'wallet.updated'
  | 'walletTransaction.updated';

/**
 * The type of an event, such as `transfer.updated`. An editor completes the known ones. Moov adds types without notice,
 * so any other string is valid too.
 *
 * @see {@link https://docs.moov.io/guides/webhooks/webhook-events/ | Moov: webhook events}
 */
export type MoovEventType = KnownEventType | (string & {});

/** The body of a webhook delivery. Moov does not sign it: fetch the resource from Moov before you act on money. */
export interface MoovEvent {
  /** The same in each delivery of an event, so deduplicate by it. */
  readonly eventID: string;
  /** What happened. */
  readonly type: MoovEventType;
  /** Depends on the type. Moov's SDK (`@moovio/sdk`) has types for it: `WebhookEvent`. */
  readonly data: unknown;
  /** When it happened, in ISO 8601, as Moov sent it. Events can arrive out of order. */
  readonly createdOn: string;
}

/** The largest body that is taken, in bytes. */
export const LARGEST_EVENT_BYTES = 262_144;

const schema = z.object({
  eventID: z.string().min(1),
  type: z.string().min(1),
  data: z.unknown().optional(),
  createdOn: z.string().min(1),
});

/**
 * @param body - Text, bytes (an `ArrayBuffer` or any view of one), or what a parser made of JSON.
 * @throws {@link MoovWebhookError} `ERR_MOOV_WEBHOOK_BODY` when it is missing, no JSON or no event;
 * `ERR_MOOV_WEBHOOK_TOO_LARGE` over 256 KiB.
 */
export function parseEvent(body: unknown): MoovEvent {
  const parsed = schema.safeParse(parseJSON(toText(body)));
  if (parsed.success) {
    const { eventID, type, data, createdOn } = parsed.data;
    return { eventID, type, data, createdOn };
  }
  const [field] = parsed.error.issues[0]?.path ?? [];
  throw invalid(
    field === undefined ? 'expected a JSON object' : `expected "${String(field)}" to be a non-empty string`,
  );
}

function toText(body: unknown): string {
  if (body === undefined || body === null || body === '') {
    throw invalid('it is missing, or was read before the webhook was verified');
  }
  const bytes = bytesOf(body);
  const content = bytes ?? (isObject(body) ? stringify(body) : body);
  if (typeof content !== 'string' && !Buffer.isBuffer(content)) {
    throw invalid('expected text, bytes or parsed JSON');
  }
  if (Buffer.byteLength(content) > LARGEST_EVENT_BYTES) throw tooLarge();
  // JSON.parse refuses a byte order mark, which RFC 8259 section 8.1 allows to ignore.
  return content.toString().replace(/^\uFEFF/, '');
}

/** The bytes of a buffer or a view, without a copy. */
function bytesOf(body: unknown): Buffer | undefined {
  if (types.isAnyArrayBuffer(body)) return Buffer.from(body);
  return ArrayBuffer.isView(body) ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : undefined;
}

function stringify(body: object): string {
  try {
    return JSON.stringify(body);
  } catch {
    throw invalid('what a parser made of it is no JSON');
  }
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text, withoutPrototype);
  } catch {
    throw invalid('it is not valid JSON');
  }
}

/**
 * `Object.assign` with a member of this name would replace the prototype of its target. It is left out rather than
 * refused, as users of the platform may name metadata.
 */
function withoutPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

function invalid(reason: string): MoovWebhookError {
  return new MoovWebhookError(`The body of the webhook can't be used: ${reason}.`, {
    code: 'ERR_MOOV_WEBHOOK_BODY',
  });
}

/** The error for a body over 256 KiB. */
export function tooLarge(): MoovWebhookError {
  return new MoovWebhookError(`The body of the webhook is larger than ${LARGEST_EVENT_BYTES} bytes.`, {
    code: 'ERR_MOOV_WEBHOOK_TOO_LARGE',
  });
}
