import { closedError, MoovUnavailableError, timeoutError } from '../errors.js';
import { sharedController } from '../utils/async.js';
import type { Timers } from '../utils/timers.js';

type TokenTypeHint = 'access_token' | 'refresh_token';

/** One token to revoke. */
interface Pending {
  /** A function, so that inspection does not show the token. */
  readonly token: () => string;
  readonly tokenTypeHint: TokenTypeHint;
  /** By `performance.now()`. An expired token needs no revocation. */
  endsAt: number;
}

/** The tokens of one response from Moov, in the order in which to revoke them. */
interface Entry {
  /** Counts the entries. */
  readonly number: number;
  tokens: Pending[];
  wasTried: boolean;
}

/** A token to revoke. */
export interface RevocableToken {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  /** The remaining lifetime of the access token, in milliseconds. */
  readonly leftMs: number;
}

/** When a flush ends. */
interface Limits {
  /** By `performance.now()`. */
  readonly end: number;
  readonly signal: AbortSignal;
}

/** Revokes one token at Moov; resolves only on 2xx. */
export type RevokeAtMoov = (
  token: string,
  tokenTypeHint: TokenTypeHint | undefined,
  limits: { timeoutMs: number; signal: AbortSignal },
) => Promise<void>;

/** How many revocations are in flight at once. */
const MOST_IN_FLIGHT = 10;

/** Moov does not say how long a refresh token lives. After this, its revocation is no longer tried. */
const REFRESH_TOKEN_LIFE_MS = 86_400_000;

/**
 * The tokens that must be revoked, until Moov answers 2xx or they expire; and the tokens that were replaced or evicted
 * while still valid, which the next `revoke()` revokes. Both are bounded: beyond that, the oldest are dropped.
 */
export class Revocations {
  readonly #revokeAtMoov: RevokeAtMoov;
  readonly #timers: Timers;
  /** Maximum number of entries of each kind. */
  readonly #most: number;
  readonly #pending = new Set<Entry>();
  readonly #retired = new Set<Entry>();
  #added = 0;
  #flushing: Promise<void> = Promise.resolve();
  #isFlushDue = false;
  #open = sharedController();

  constructor(revokeAtMoov: RevokeAtMoov, timers: Timers, most: number) {
    this.#revokeAtMoov = revokeAtMoov;
    this.#timers = timers;
    this.#most = most;
  }

  /** The number of tokens that should be revoked and that Moov has not confirmed. */
  get count(): number {
    let count = 0;
    for (const entry of this.#pending) count += this.#living(entry).length;
    return count;
  }

  /** The number of entries so far. Later entries have a higher number. */
  get mark(): number {
    return this.#added;
  }

  /** Adds a token that must be revoked; {@link flush} revokes it. */
  add(token: RevocableToken): void {
    this.#insert(this.#pending, this.#entry(token));
  }

  /** Remembers a token that was replaced or evicted, until it expires. */
  retire(token: RevocableToken): void {
    for (const entry of this.#retired) {
      if (this.#living(entry).length > 0) break;
      this.#retired.delete(entry);
    }
    if (token.leftMs > 0) this.#insert(this.#retired, this.#entry(token, token.leftMs));
  }

  /** Marks all remembered tokens to be revoked. */
  addRetired(): void {
    for (const { tokens } of this.#retired) {
      const [access, refresh] = [tokens.at(-1), tokens.length > 1 ? tokens[0] : undefined];
      if (access === undefined) continue;
      const leftMs = access.endsAt - performance.now();
      if (leftMs > 0) this.add({ accessToken: access.token(), refreshToken: refresh?.token(), leftMs });
    }
    this.#retired.clear();
  }

  /**
   * Revokes all pending tokens, one flush at a time, starting with those that were added after `mark`.
   *
   * @param timeoutMs - For the whole flush.
   * @returns the number of revoked tokens.
   * @throws the error of the first failed revocation of a token that was added after `mark`. After a refusal the other
   * tokens are still tried; if Moov is unavailable, they wait for the next flush.
   */
  flush(mark: number, timeoutMs: number): Promise<number> {
    const end = performance.now() + timeoutMs;
    return this.#enqueue((signal) => this.#flush([...this.#pending], mark, { end, signal }));
  }

  /** Revokes in the background the tokens that were added and not tried yet. */
  flushSoon(timeoutMs: number): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#enqueue((signal) => {
      this.#isFlushDue = false;
      const untried = [...this.#pending].filter(({ wasTried }) => !wasTried);
      return this.#flush(untried, this.#added, { end: performance.now() + timeoutMs, signal });
    }).catch(ignore);
  }

  /** Ends all running flushes. Tokens that they have not revoked stay pending. */
  abort(): void {
    this.#open.abort(closedError());
    this.#open = sharedController();
  }

  #enqueue(flush: (signal: AbortSignal) => Promise<number>): Promise<number> {
    const { signal } = this.#open;
    const flushed = this.#flushing.then(() => flush(signal));
    this.#flushing = flushed.then(ignore, ignore);
    return this.#timers.hold(flushed);
  }

  async #flush(entries: Entry[], mark: number, limits: Limits): Promise<number> {
    const own = entries.filter(({ number }) => number > mark);
    const older = entries.filter(({ number }) => number <= mark);
    const failures: unknown[] = [];
    let [revoked, isAvailable] = [0, true];
    const work = async (queue: Entry[], failed: (error: unknown) => void): Promise<void> => {
      for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
        try {
          revoked += await this.#revoke(entry, limits);
        } catch (error) {
          failed(error);
          if (error instanceof MoovUnavailableError) [isAvailable, queue.length] = [false, 0];
        }
      }
    };
    await Promise.all(
      Array.from({ length: MOST_IN_FLIGHT }, async () => {
        await work(own, (error) => failures.push(error));
        if (isAvailable) await work(older, ignore);
      }),
    );
    if (failures.length > 0) throw failures[0];
    return revoked;
  }

  async #revoke(entry: Entry, { end, signal }: Limits): Promise<number> {
    let revoked = 0;
    let failure: { error: unknown } | undefined;
    signal.throwIfAborted();
    if (performance.now() >= end) throw timeoutError('Revoking all tokens took too long');
    entry.wasTried = true;
    for (const pending of this.#living(entry)) {
      const timeoutMs = Math.max(1, end - performance.now());
      try {
        await this.#revokeAtMoov(pending.token(), pending.tokenTypeHint, { timeoutMs, signal });
        entry.tokens = entry.tokens.filter((other) => other !== pending);
        revoked++;
      } catch (error) {
        failure ??= { error };
        if (error instanceof MoovUnavailableError) break;
      }
    }
    if (entry.tokens.length === 0) this.#pending.delete(entry);
    if (failure !== undefined) throw failure.error;
    return revoked;
  }

  /** The refresh token is revoked first: while it is valid, it can be exchanged for a new access token. */
  #entry(
    { accessToken, refreshToken, leftMs }: RevocableToken,
    refreshLeftMs = Math.max(leftMs, REFRESH_TOKEN_LIFE_MS),
  ): Entry {
    const now = performance.now();
    const tokens: Pending[] = [
      { token: () => accessToken, tokenTypeHint: 'access_token', endsAt: now + leftMs },
    ];
    if (refreshToken !== undefined)
      tokens.unshift({
        token: () => refreshToken,
        tokenTypeHint: 'refresh_token',
        endsAt: now + refreshLeftMs,
      });
    return { number: ++this.#added, tokens, wasTried: false };
  }

  #insert(entries: Set<Entry>, entry: Entry): void {
    entries.add(entry);
    for (const oldest of entries) {
      if (entries.size <= this.#most) break;
      entries.delete(oldest);
    }
  }

  /** Returns the unexpired tokens of an entry; an entry without any is dropped. */
  #living(entry: Entry): Pending[] {
    const now = performance.now();
    entry.tokens = entry.tokens.filter(({ endsAt }) => endsAt > now);
    if (entry.tokens.length === 0) this.#pending.delete(entry);
    return entry.tokens;
  }
}

function ignore(): void {}
