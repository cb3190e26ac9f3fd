import { timeoutError } from '../errors.js';
import { type Timers, withTimeout } from '../utils/timers.js';
import type { Revocations } from './revocations.js';
import type { SharedTokenProvider } from './shared-token-provider.js';
import type { TokenPool } from './token-pool.js';

/** A result that comes late is revoked too, and gets at least this long for it. */
const SHORTEST_FLUSH_MS = 1_000;

/**
 * Gives back every token of a pool: takes them out of service first, here and in the store, then revokes them at
 * Moov, and with them what renewals in flight obtain.
 *
 * @returns how many tokens were revoked.
 * @throws what the first failed revocation threw; {@link MoovUnavailableError} when the store could not be asked, as it
 * may still have a token, or, with `ERR_MOOV_TIMEOUT`, when a renewal in flight has not ended in time, whose token is
 * then revoked when it is there.
 */
export async function revokeAll(
  pool: TokenPool,
  sharing: SharedTokenProvider | undefined,
  revocations: Revocations,
  timers: Timers,
  timeoutMs: number,
): Promise<number> {
  const end = performance.now() + timeoutMs;
  const overtaken: Promise<unknown>[] = [];
  const scopes: string[] = [];
  const held = new Set<string>();
  for (const [scope, source] of pool.entries()) {
    const { token, renewal } = source.invalidate();
    scopes.push(scope);
    if (token !== undefined) {
      held.add(token.accessToken());
      revocations.add({ accessToken: token.accessToken(), refreshToken: token.refreshToken() });
    }
    if (renewal !== undefined) overtaken.push(renewal);
  }
  // What the store has may be newer than what is held here, and is revoked too.
  const taken = await sharing?.revokeAll(scopes, end);
  for (const stored of taken?.tokens ?? []) if (!held.has(stored.accessToken)) revocations.add(stored);
  const revoked = await flush();
  if (taken?.failure !== undefined) throw taken.failure;
  return revoked;

  async function flush(): Promise<number> {
    const first = revocations.flush(Math.max(SHORTEST_FLUSH_MS, end - performance.now()));
    if (overtaken.length === 0) return first;
    // What fails in the first flush is tried again in the last, which decides.
    const revoked = await first.catch(() => 0);
    const last = Promise.all(overtaken).then(() =>
      revocations.flush(Math.max(SHORTEST_FLUSH_MS, end - performance.now())),
    );
    const left = end - performance.now();
    const late = 'A renewal is still in flight; its token will be revoked when it arrives';
    return revoked + (await withTimeout(last, { ms: left, timers, timedOut: () => timeoutError(late) }));
  }
}
