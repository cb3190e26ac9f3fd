import { MoovUnavailableError } from '../errors.js';
import type { Timers } from '../utils/timers.js';

/** One token that is out of service and that Moov has not yet confirmed to be revoked. */
interface Pending {
  /** A function, so that inspection does not show the token. */
  readonly token: () => string;
  readonly tokenTypeHint: 'access_token' | 'refresh_token';
}

/** Tells Moov of one token; resolves on 2xx alone. */
export type RevokeAtMoov = (
  token: string,
  tokenTypeHint: 'access_token' | 'refresh_token',
  timeoutMs: number,
) => Promise<void>;

/** How many revocations are in flight at once. */
const MOST_IN_FLIGHT = 10;

/** The tokens that were given up and have to be revoked; none is forgotten before Moov says 2xx. */
export class Revocations {
  readonly #revokeAtMoov: RevokeAtMoov;
  readonly #timers: Timers;
  /** What came in one reply of Moov's is together, in the order in which it is to be revoked. */
  readonly #pending = new Set<Pending[]>();
  #flushing: Promise<void> = Promise.resolve();

  constructor(revokeAtMoov: RevokeAtMoov, timers: Timers) {
    this.#revokeAtMoov = revokeAtMoov;
    this.#timers = timers;
  }

  get count(): number {
    let count = 0;
    for (const tokens of this.#pending) count += tokens.length;
    return count;
  }

  /** The refresh token goes first: while it lives, a new access token can be had with it. */
  add({ accessToken, refreshToken }: { accessToken: string; refreshToken?: string | undefined }): void {
    const tokens: Pending[] = [{ token: () => accessToken, tokenTypeHint: 'access_token' }];
    if (refreshToken !== undefined)
      tokens.unshift({ token: () => refreshToken, tokenTypeHint: 'refresh_token' });
    this.#pending.add(tokens);
  }

  /**
   * Revokes all that is pending, one flush at a time.
   *
   * @param timeoutMs - For the whole flush.
   * @returns how many were revoked.
   * @throws what the first failed revocation threw. What is refused does not keep the others from being tried;
   * when Moov is unavailable the rest waits for the next flush.
   */
  flush(timeoutMs: number): Promise<number> {
    const end = performance.now() + timeoutMs;
    const flushed = this.#flushing.then(() => this.#flush(end));
    this.#flushing = flushed.then(ignore, ignore);
    return this.#timers.hold(flushed);
  }

  async #flush(end: number): Promise<number> {
    const failures: unknown[] = [];
    const queue = [...this.#pending];
    let revoked = 0;
    const work = async (): Promise<void> => {
      for (let tokens = queue.shift(); tokens !== undefined; tokens = queue.shift()) {
        try {
          revoked += await this.#revoke(tokens, end);
        } catch (error) {
          failures.push(error);
          if (error instanceof MoovUnavailableError) queue.length = 0;
        }
      }
    };
    await Promise.all(Array.from({ length: MOST_IN_FLIGHT }, work));
    if (failures.length > 0) throw failures[0];
    return revoked;
  }

  async #revoke(tokens: Pending[], end: number): Promise<number> {
    let revoked = 0;
    let failure: { error: unknown } | undefined;
    for (const pending of [...tokens]) {
      const timeoutMs = Math.max(1, end - performance.now());
      try {
        await this.#revokeAtMoov(pending.token(), pending.tokenTypeHint, timeoutMs);
        tokens.splice(tokens.indexOf(pending), 1);
        revoked++;
      } catch (error) {
        failure ??= { error };
        if (error instanceof MoovUnavailableError) break;
      }
    }
    if (tokens.length === 0) this.#pending.delete(tokens);
    if (failure !== undefined) throw failure.error;
    return revoked;
  }
}

function ignore(): void {}
