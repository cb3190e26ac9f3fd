import type { Timers } from '../http/timers.js';
import type { Revocations } from './revocations.js';
import type { TokenPool } from './token-pool.js';
import { within } from './within.js';

/** A result that comes late is revoked too, and gets at least this long for it. */
const SHORTEST_FLUSH_MS = 1_000;

/**
 * Gives back every token of a pool: takes them out of service first, then revokes them at Moov, and with them what
 * renewals in flight obtain.
 *
 * @returns how many tokens were revoked.
 * @throws what the first failed revocation threw; {@link MoovUnavailableError} with `ERR_MOOV_TIMEOUT` when a renewal
 * in flight has not ended in time, whose token is then revoked when it is there.
 */
export async function giveBackAll(
  pool: TokenPool,
  revocations: Revocations,
  timers: Timers,
  timeoutMs: number,
): Promise<number> {
  const end = performance.now() + timeoutMs;
  const overtaken: Promise<unknown>[] = [];
  for (const source of pool.all()) {
    const { token, renewal } = source.surrender();
    if (token !== undefined) {
      revocations.add({ accessToken: token.accessToken(), refreshToken: token.refreshToken() });
    }
    if (renewal !== undefined) overtaken.push(renewal);
  }
  const first = revocations.flush(timeoutMs);
  if (overtaken.length === 0) return first;
  // What fails in the first flush is tried again in the last, which decides.
  const revoked = await first.catch(() => 0);
  const last = Promise.all(overtaken).then(() =>
    revocations.flush(Math.max(SHORTEST_FLUSH_MS, end - performance.now())),
  );
  const left = end - performance.now();
  const late = 'A renewal in flight has not ended; its token is revoked when it is there';
  return revoked + (await within(left, last, late, timers));
}
