import { type Call, failure } from '../http/call.js';

/**
 * Moov wants a UUID, or an ID of up to 36 characters. Its documents leave open how another key is refused.
 *
 * @throws Refusal with 400 without an `X-Idempotency-Key`, or for one over 36 characters.
 * @see {@link https://docs.moov.io/guides/money-movement/manage-transfers/ | Moov: retry safely}
 */
export function readKey(call: Call): string {
  const key = call.headers['x-idempotency-key'];
  if (typeof key !== 'string' || key === '') throw failure(400, 'X-Idempotency-Key is required');
  if (key.length > 36) throw failure(400, 'X-Idempotency-Key must have at most 36 characters');
  return key;
}

/** Whether the response is to have what the payment network says, and not only that the request was taken. */
export function waitsForRail(call: Call): boolean {
  return call.headers['x-wait-for'] === 'rail-response';
}

/** Whether the response is to have the payment methods of what was linked. */
export function waitsForPaymentMethod(call: Call): boolean {
  return call.headers['x-wait-for'] === 'payment-method';
}
