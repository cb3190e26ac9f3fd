import { httpDate } from '../utils/retry-after.js';

/** The lifetime of a token without `expires_in`: that of Moov's own example (RFC 6749 section 4.2.2 leaves it open). */
const UNSTATED_LIFE_MS = 900_000;

/** The longest accepted lifetime is a day. Renewing early costs one request; a wrong lifetime costs a day of 401s. */
export const LONGEST_LIFE_MS = 86_400_000;

/** From this number on (31 years as seconds), `expires_in` is a Unix timestamp. */
const FIRST_TIMESTAMP = 1e9;

/** From this number on (the year 5138), it cannot be a timestamp in seconds either. */
const NONSENSE = 1e11;

/** What a response says about the lifetime of a token, and the clocks to compare it with. */
export interface LifetimeClues {
  /** `expires_in`; see {@link readNumber}. */
  expiresIn: unknown;
  /** The response's own `Date` header. */
  date: unknown;
  /** The local wall clock at receipt, in milliseconds. */
  now: number;
  /** How long the request took, in milliseconds. The token may be that much older. */
  roundTripMs: number;
}

/**
 * Some servers send numbers as strings.
 *
 * @returns the number in a numeric string; `undefined` for a blank string; otherwise the value itself.
 */
export function readNumber(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (text === '') return undefined;
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : value;
}

/**
 * Computes how long a token is valid after its receipt.
 *
 * `expires_in` is a number of seconds (RFC 6749 section 5.1) or a Unix timestamp in seconds (Moov's reference). A
 * timestamp is compared with the response's own `Date`, so that neither clock has to be right.
 *
 * @returns milliseconds, more than 0 and at most a day; or a sentence that says what is wrong with `expires_in`.
 */
export function lifetimeMs({ expiresIn, date, now, roundTripMs }: LifetimeClues): number | string {
  if (expiresIn === undefined || expiresIn === null) return UNSTATED_LIFE_MS;
  if (typeof expiresIn !== 'number' || !(expiresIn > 0 && expiresIn < NONSENSE)) {
    return 'expires_in is neither seconds of life nor a Unix timestamp in seconds';
  }
  if (expiresIn < FIRST_TIMESTAMP) return believable(expiresIn * 1000, roundTripMs);

  const dated = httpDate(date);
  const life = expiresIn * 1000 - (dated ?? now);
  if (life > 0) return believable(life, roundTripMs);
  // Without a Date, only the local clock indicates that the token has expired, and that clock may be wrong.
  return dated === undefined ? UNSTATED_LIFE_MS : 'expires_in is a time in the past';
}

function believable(life: number, roundTripMs: number): number {
  return Math.min(LONGEST_LIFE_MS, Math.max(1, life - roundTripMs));
}
