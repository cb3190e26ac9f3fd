import type { TokenRequest } from './token-provider.js';

/** The time between two token requests of one source in the long run, in milliseconds. */
export const REQUEST_INTERVAL_MS = 1_000;

/** So many of them may follow each other at once. */
const BURST = 2;

/**
 * Puts a floor under the time between the token requests of one source, whatever the reason for them: tokens that live
 * for a millisecond, 401s without end, calls of `renew()`. A request that comes too early waits for at most an interval.
 * A token that came from the store cost no token request.
 */
export function paced(request: TokenRequest): TokenRequest {
  /** When the last request would have been made, had they come one an interval. */
  let dueAt = Number.NEGATIVE_INFINITY;

  return async (context) => {
    const { timers, signal } = context;
    const waitMs = dueAt - (BURST - 2) * REQUEST_INTERVAL_MS - performance.now();
    if (waitMs > 0) await timers.sleep(Math.min(waitMs, REQUEST_INTERVAL_MS), signal);
    signal.throwIfAborted();
    dueAt = Math.max(dueAt + REQUEST_INTERVAL_MS, performance.now());
    const obtained = await request(context);
    if (obtained?.from === 'store') dueAt -= REQUEST_INTERVAL_MS;
    return obtained;
  };
}
