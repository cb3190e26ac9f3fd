import { AxiosError } from 'axios';
import type { RequestHeaders } from './transport.js';

/** Without surrounding white space, which would be removed in transit. */
const sendable = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Headers whose value decides what the request is. */
const exact = /^(?:authorization|x-idempotency-key|origin)$/i;

export function isSendable(value: string): boolean {
  return sendable.test(value);
}

/** @throws AxiosError for a header that must not change in transit and cannot be sent unchanged. */
export function assertExact(name: string, value: string): void {
  if (!exact.test(name) || isSendable(value)) return;
  throw new AxiosError(
    `The header "${name}" cannot be sent unchanged: it has leading or trailing white space, or an invalid character`,
    AxiosError.ERR_BAD_REQUEST,
  );
}

/** @throws AxiosError for a header that must not change and that Axios's adapter would change. */
export function assertExactHeaders(headers: RequestHeaders): void {
  for (const name of Object.keys(headers)) {
    if (exact.test(name)) for (const value of [headers[name]].flat()) assertExact(name, String(value ?? ''));
  }
}
