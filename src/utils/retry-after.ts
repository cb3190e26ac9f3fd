/** The header bag of any HTTP client: names in lower case. */
export type Headers = Readonly<Record<string, unknown>>;

/** The longest wait that a response may ask for: a day. */
const LONGEST_WAIT_MS = 86_400_000;

/**
 * Reads how long a response asks to wait before the next request: `retry-after-ms` (milliseconds), `Retry-After`
 * (seconds or an HTTP date, RFC 9110 section 10.2.3) or `X-Retry-In` (milliseconds, Moov's older documents), in this
 * order.
 *
 * A date is compared with the response's own `Date`, so that a wrong clock on either side does not matter.
 *
 * @param headers - Names in lower case.
 * @param now - The wall clock in milliseconds, for a response without `Date`.
 * @returns milliseconds from 0 to a day, or `undefined` if the response has no valid value.
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  return (
    wait(decimal(headers['retry-after-ms'])) ??
    wait(decimal(headers['retry-after']), 1000) ??
    wait(untilDate(headers['retry-after'], headers.date, now)) ??
    wait(decimal(headers['x-retry-in']))
  );
}

function decimal(value: unknown): number | undefined {
  return typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
}

function wait(value: number | undefined, unitMs = 1): number | undefined {
  return value === undefined ? undefined : Math.min(Math.max(0, value * unitMs), LONGEST_WAIT_MS);
}

function untilDate(value: unknown, date: unknown, now: number): number | undefined {
  const until = httpDate(value);
  return until === undefined ? undefined : until - (httpDate(date) ?? now);
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`, and RFC 850's `Sunday, 06-Nov-94 08:49:37 GMT`. */
const dateInGMT = /^[a-z]{3,9}, \d{1,2}[ -][a-z]{3}[ -](\d{2}|\d{4}) \d{2}:\d{2}:\d{2} GMT$/i;

/** asctime's `Sun Nov  6 08:49:37 1994`, which is UTC. */
const dateWithoutZone = /^[a-z]{3} [a-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/i;

/** @returns the milliseconds of an HTTP date (RFC 9110 section 5.6.7), or `undefined`. */
export function httpDate(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  // Date.parse accepts nearly any words with a number, and reads a date without a zone as local time.
  if (!dateInGMT.test(value) && !dateWithoutZone.test(value)) return undefined;
  const time = Date.parse(dateWithoutZone.test(value) ? `${value} GMT` : value);
  return Number.isNaN(time) ? undefined : time;
}

/** Reads the header of {@link retryAfterHeader} from an error of this package, in milliseconds. */
export function retryAfterOf({
  headers,
}: {
  readonly headers?: Readonly<Record<string, string>>;
}): number | undefined {
  const seconds = headers?.['Retry-After'];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Returns a `Retry-After` header in seconds (RFC 9110 section 10.2.3), for this package's errors and responses. */
export function retryAfterHeader(ms: number | undefined): { 'Retry-After': string } | undefined {
  return ms === undefined ? undefined : { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) };
}
