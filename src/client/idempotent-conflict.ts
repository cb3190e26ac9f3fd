import type { AxiosResponse } from 'axios';
import { isObject } from '../utils/value-type.js';
import type { Call } from './call.js';

/** The two routes whose 409 for a known idempotency key has the original in its body, and what names it there. */
const creations = [
  { path: /(^|\/)accounts\/[^/]+\/transfers\/?$/, id: 'transferID' },
  { path: /(^|\/)accounts\/[^/]+\/transfers\/[^/]+\/refunds\/?$/, id: 'refundID' },
] as const;

/** What both the request and the original state, and can be compared. */
const fields = ['amount', 'source', 'destination'] as const;

/**
 * Whether a 409 is the response to this call's own earlier attempt, and so its result: an attempt went out of which
 * nothing is known, and the body is the transfer or refund that the same key has created. It has to agree with what was
 * sent in at least one stated field, and to contradict it in none.
 *
 * @see {@link https://docs.moov.io/api/idempotency/ | Moov: idempotency}
 */
export function isOwnEarlierAttempt(response: AxiosResponse, call: Call): boolean {
  const { body, idempotencyKey, method } = call.image;
  if (response.status !== 409 || !call.ambiguous || method !== 'POST') return false;
  if (idempotencyKey === undefined || !body.replayable) return false;
  const creation = creations.find((candidate) => candidate.path.test(call.request.path));
  const original = asObject(response.data);
  if (creation === undefined || original === undefined) return false;
  const id = original[creation.id];
  if (typeof id !== 'string' || id === '') return false;
  const sent = asObject(body.forAttempt(call.config, () => undefined)) ?? {};
  const comparisons = fields.flatMap((name) => compare(sent[name], original[name]));
  return comparisons.includes(true) && !comparisons.includes(false);
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  // A Buffer stays one on its way; any other view has become its ArrayBuffer.
  if (Buffer.isBuffer(value)) return asObject(value.toString('utf8'));
  if (value instanceof ArrayBuffer) return asObject(Buffer.from(value).toString('utf8'));
  if (typeof value === 'string') {
    try {
      return asObject(JSON.parse(value));
    } catch {
      return undefined;
    }
  }
  return isObject(value) && !Array.isArray(value) ? { ...value } : undefined;
}

/** Whether each value that both sides state is the same; empty when they state nothing in common. */
function compare(sent: unknown, original: unknown): boolean[] {
  if (sent === undefined || sent === null || original === undefined || original === null) return [];
  if (typeof sent === 'object' && typeof original === 'object') {
    const stated = new Map(Object.entries(original));
    return Object.entries(sent).flatMap(([name, value]) => compare(value, stated.get(name)));
  }
  // A refund is asked for as a number of cents and answered as an amount with a currency.
  if (typeof original === 'object') return 'value' in original ? compare(sent, original.value) : [];
  if (typeof sent === 'object') return 'value' in sent ? compare(sent.value, original) : [];
  return [String(sent).toLowerCase() === String(original).toLowerCase()];
}
