import { MoovTokenError, MoovUnavailableError } from '../errors.js';
import { retryAfterOf } from '../utils/retry-after.js';
import { TimeLimit } from '../utils/time-limit.js';
import { backoffMs, type Timers } from '../utils/timers.js';

export interface RetryOptions {
  /** The time for all attempts and the waits between them. */
  timeoutMs: number;
  /** How many attempts may follow the first. */
  retries: number;
  signal: AbortSignal | undefined;
  timers: Timers;
}

/** The waits before the second and later attempts, as fractions of the whole time. */
const FIRST_WAIT = 0.1;
const LATER_WAIT = 0.3;

/** These waits are for this many retries. More retries divide the same time among them. */
const FEW_RETRIES = 2;

/**
 * Retries until an attempt succeeds, Moov refuses it, or the time is up. A refusal is final; other failures are
 * retried.
 *
 * @throws {@link MoovUnavailableError} with `ERR_MOOV_TIMEOUT` when the time is up, with the last failure as its cause,
 * or with `ERR_MOOV_KEY_UNREADABLE` if it was spent reading the key; the signal's reason when it was aborted; otherwise
 * the error of the last attempt.
 */
export async function withRetries<T>(
  { timeoutMs, retries, signal, timers }: RetryOptions,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const limit = new TimeLimit(timeoutMs, timers, signal);
  const end = performance.now() + timeoutMs;
  try {
    for (let retry = 0; ; retry++) {
      try {
        return await attempt(limit.signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (limit.isTimeUp) throw isUnreadableKey(error) ? error : timedOut(timeoutMs, error);
        const wait = waitBefore(retry, retries, timeoutMs, error);
        if (retry >= retries || wait === undefined || wait >= end - performance.now()) throw error;
        await timers.sleep(wait, limit.signal);
        signal?.throwIfAborted();
      }
    }
  } finally {
    limit.clear();
  }
}

function waitBefore(retry: number, retries: number, timeoutMs: number, error: unknown): number | undefined {
  const worthAnother =
    error instanceof MoovUnavailableError ||
    (error instanceof MoovTokenError && error.code === 'ERR_MOOV_TOKEN_REPLY');
  if (!worthAnother) return undefined;
  const askedMs = retryAfterOf(error);
  if (askedMs !== undefined) return askedMs;
  const timeMs = timeoutMs * Math.min(1, FEW_RETRIES / retries);
  return backoffMs(retry + 1, timeMs * FIRST_WAIT, timeMs * LATER_WAIT, { growth: 3, from: 0.9, to: 1.1 });
}

function isUnreadableKey(error: unknown): boolean {
  return error instanceof MoovUnavailableError && error.code === 'ERR_MOOV_KEY_UNREADABLE';
}

function timedOut(timeoutMs: number, last: unknown): MoovUnavailableError {
  return new MoovUnavailableError(`Moov gave no response within ${timeoutMs} ms`, {
    code: 'ERR_MOOV_TIMEOUT',
    cause: last,
  });
}
