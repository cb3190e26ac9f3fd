import type { AxiosResponse } from 'axios';
import type { Call } from './call.js';

/** The two routes whose 409 for a known idempotency key has the original in its body, and what names it there. */
const creations = [
  { path: /(^|\/)accounts\/[^/]+\/transfers\/?$/, id: 'transferID' },
  { path: /(^|\/)accounts\/[^/]+\/transfers\/[^/]+\/refunds\/?$/, id: 'refundID' },
] as const;

/**
 * Whether a 409 is the answer to this call's own earlier attempt, and so its result: an attempt went out of which
 * nothing is known, and the body is the transfer or refund that the same key has created.
 *
 * @see {@link https://docs.moov.io/api/idempotency/ | Moov: idempotency}
 */
export function isOwnEarlierAttempt(response: AxiosResponse, call: Call): boolean {
  if (response.status !== 409 || !call.ambiguous || call.request.method !== 'POST') return false;
  if (!response.config.headers.has('X-Idempotency-Key')) return false;
  const path = call.request.path.replace(/[?#].*$/s, '');
  const creation = creations.find((candidate) => candidate.path.test(path));
  const original = asObject(response.data);
  if (creation === undefined || original === undefined) return false;
  const id = original[creation.id];
  if (typeof id !== 'string' || id === '') return false;
  const asked = asObject(response.config.data) ?? {};
  return ['amount', 'source', 'destination'].every((name) => agree(asked[name], original[name]));
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
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** Whether two statements do not contradict each other; what only one of them makes is no contradiction. */
function agree(asked: unknown, original: unknown): boolean {
  if (asked === undefined || asked === null || original === undefined || original === null) return true;
  if (typeof asked === 'object' && typeof original === 'object') {
    const [one, other] = [Object.entries(asked), new Map(Object.entries(original))];
    return one.every(([name, value]) => agree(value, other.get(name)));
  }
  // A refund is asked for as a number of cents and answered as an amount with a currency.
  if (typeof original === 'object') return 'value' in original ? agree(asked, original.value) : true;
  if (typeof asked === 'object') return 'value' in asked ? agree(asked.value, original) : true;
  return String(asked).toLowerCase() === String(original).toLowerCase();
}
