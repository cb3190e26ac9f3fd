import { MoovUnavailableError, timeoutError } from '../errors.js';
import { type Timers, withTimeout } from '../utils/timers.js';
import type { Revocations } from './revocations.js';
import type { SharedTokenProvider } from './shared-token-provider.js';
import type { Token } from './token.js';
import type { TokenPool } from './token-pool.js';

/** A result that comes late is revoked too, and gets at least this long for it. */
const SHORTEST_FLUSH_MS = 1_000;

/** How many tokens are taken out of the store at once. */
const MOST_AT_ONCE = 100;

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
  const surrendered: [scope: string, token: Token | undefined][] = [];
  for (const [scope, source] of pool.entries()) {
    const { token, renewal } = source.invalidate();
    surrendered.push([scope, token]);
    if (token !== undefined) {
      revocations.add({ accessToken: token.accessToken(), refreshToken: token.refreshToken() });
    }
    if (renewal !== undefined) overtaken.push(renewal);
  }
  const failure = sharing && (await takeOut(surrendered, sharing, revocations, end));
  const revoked = await flush();
  if (failure !== undefined) throw failure;
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

/**
 * What the store has may be newer than what is held here, and is revoked too. So is what it could not be asked for
 * before.
 *
 * @returns the error of the first set of scopes for which it could not be asked now.
 */
async function takeOut(
  surrendered: readonly [scope: string, token: Token | undefined][],
  sharing: SharedTokenProvider,
  revocations: Revocations,
  end: number,
): Promise<MoovUnavailableError | undefined> {
  const held = new Map(surrendered);
  const scopes = [...new Set([...held.keys(), ...sharing.pendingScopes])];
  let failure: MoovUnavailableError | undefined;
  for (let first = 0; first < scopes.length; first += MOST_AT_ONCE) {
    const some = scopes.slice(first, first + MOST_AT_ONCE);
    if (first > 0 && performance.now() > end) {
      for (const scope of some) sharing.postpone(scope);
      failure ??= timeoutError('The token store was not asked for every token in time');
      continue;
    }
    await Promise.all(
      some.map(async (scope) => {
        try {
          const stored = await sharing.revoke(scope);
          if (stored !== undefined && stored.accessToken !== held.get(scope)?.accessToken()) {
            revocations.add(stored);
          }
        } catch (error) {
          if (!(error instanceof MoovUnavailableError)) throw error;
          failure ??= error;
        }
      }),
    );
  }
  return failure;
}
