import type { AxiosResponse } from 'axios';
import { isObject } from '../utils/value-type.js';
import type { Call } from './call.js';

/** The two routes whose 409 for a known idempotency key has the original in its body, and the name of its ID. */
const creations = [
  { path: /(^|\/)accounts\/[^/]+\/transfers\/?$/, id: 'transferID' },
  { path: /(^|\/)accounts\/[^/]+\/transfers\/[^/]+\/refunds\/?$/, id: 'refundID' },
] as const;

/** A transfer has a few levels. A response of Moov's may have any number. */
const MOST_LEVELS = 20;

/** The fields that the request and the original may both have. */
const fields = ['amount', 'source', 'destination'] as const;

/**
 * Whether a 409 was caused by an earlier attempt of this call, and so is its result: an attempt with unknown outcome
 * was sent, and the body is the transfer or refund that the same key created. It must agree with the request in at
 * least one field that both have, and contradict it in none.
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
  // A Buffer stays a Buffer; any other view was converted to an ArrayBuffer.
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

/** Compares each value that both sides have, down to a depth; empty if they have none in common. */
function compare(sent: unknown, original: unknown, levels = MOST_LEVELS): boolean[] {
  if (sent === undefined || sent === null || original === undefined || original === null) return [];
  if (levels === 0) return [];
  if (typeof sent === 'object' && typeof original === 'object') {
    const stated = new Map(Object.entries(original));
    return Object.entries(sent).flatMap(([name, value]) => compare(value, stated.get(name), levels - 1));
  }
  // A refund is requested as a number of cents and returned as an amount with a currency.
  if (typeof original === 'object')
    return 'value' in original ? compare(sent, original.value, levels - 1) : [];
  if (typeof sent === 'object') return 'value' in sent ? compare(sent.value, original, levels - 1) : [];
  return [String(sent).toLowerCase() === String(original).toLowerCase()];
}
