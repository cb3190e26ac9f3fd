import type { Call } from './call.js';

/**
 * Statuses that say nothing of an earlier attempt: it is not known who asked, the request was not looked at, or
 * the state it meets may be that attempt's own work.
 */
const unsettling = new Set([401, 403, 408, 409, 410, 412, 425, 429]);

/**
 * Whether it is unknown, after a whole reply, if Moov has acted on the call.
 *
 * 2xx says that it has. A 5xx, or a 3xx that is not followed, leaves it open. A 4xx says that this attempt did
 * nothing; of an earlier, ambiguous one it speaks only where the same request would have been judged the same.
 */
export function isAmbiguousAfter(status: number, call: Call): boolean {
  if (status >= 200 && status < 300) return false;
  if (status < 400 || status >= 500) return true;
  // Whatever a DELETE meets with, an earlier one may have done.
  const silent = unsettling.has(status) || call.request.method === 'DELETE';
  return silent && call.ambiguous;
}
