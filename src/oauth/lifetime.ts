import { httpDate } from '../utils/retry-after.js';

/** What a token without `expires_in` is given: the life in Moov's own example (RFC 6749 section 4.2.2 leaves it open). */
const UNSTATED_LIFE_MS = 900_000;

/** No statement is believed beyond a day: renewing early costs one request, believing nonsense a day of 401s. */
export const LONGEST_LIFE_MS = 86_400_000;

/** From here on a number can't be seconds of life (31 years) and is a Unix timestamp. */
const FIRST_TIMESTAMP = 1e9;

/** From here on a number can't be a timestamp in seconds either (the year 5138). */
const NONSENSE = 1e11;

/** What a response says of a token's life, and the clocks to read it by. */
export interface LifetimeClues {
  /** `expires_in`; see {@link readNumber}. */
  expiresIn: unknown;
  /** The response's own `Date` header. */
  date: unknown;
  /** The local wall clock at receipt, in milliseconds. */
  now: number;
  /** How long the response was on its way, in milliseconds: the token is that much older than it seems. */
  roundTripMs: number;
}

/**
 * Some servers send numbers as strings.
 *
 * @returns the number of a string that is one; `undefined` for a blank string, which states nothing; else the value.
 */
export function readNumber(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (text === '') return undefined;
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : value;
}

/**
 * How long a token is valid from its receipt on.
 *
 * `expires_in` is seconds of life (RFC 6749 section 5.1) or a Unix timestamp in seconds (Moov's reference). A
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
  // Without a Date only the local clock says that the token is of the past, and that clock may be wrong.
  return dated === undefined ? UNSTATED_LIFE_MS : 'expires_in is a time in the past';
}

function believable(life: number, roundTripMs: number): number {
  return Math.min(LONGEST_LIFE_MS, Math.max(1, life - roundTripMs));
}
