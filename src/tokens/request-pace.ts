import type { TokenRequest } from './token-provider.js';

/** The average time between two token requests of one source, in milliseconds. */
export const REQUEST_INTERVAL_MS = 1_000;

/**
 * Enforces a minimum time between the token requests of one source, whatever causes them: tokens with a lifetime of a
 * millisecond, endless 401s, calls of `renew()`. Two may follow each other at once; a later one waits for at most one
 * interval. A token from the store needs no token request.
 */
export function paced(request: TokenRequest): TokenRequest {
  /** When the last request would have been made at one request per interval. */
  let dueAt = Number.NEGATIVE_INFINITY;

  return async (context) => {
    const { timers, signal } = context;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await timers.sleep(Math.min(waitMs, REQUEST_INTERVAL_MS), signal);
    signal.throwIfAborted();
    dueAt = Math.max(dueAt + REQUEST_INTERVAL_MS, performance.now());
    const obtained = await request(context);
    if (obtained?.from === 'store') dueAt -= REQUEST_INTERVAL_MS;
    return obtained;
  };
}
