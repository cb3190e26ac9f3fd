import { closedError, MoovUnavailableError, timeoutError } from '../errors.js';
import { sharedController } from '../utils/async.js';
import type { Timers } from '../utils/timers.js';

type TokenTypeHint = 'access_token' | 'refresh_token';

/** One token that is to be revoked. */
interface Pending {
  /** A function, so that inspection does not show the token. */
  readonly token: () => string;
  readonly tokenTypeHint: TokenTypeHint;
  /** By `performance.now()`. A token that has ended needs no revocation. */
  endsAt: number;
}

/** What came in one response of Moov's, in the order in which it is to be revoked. */
interface Entry {
  /** Counts the entries. */
  readonly number: number;
  tokens: Pending[];
  wasTried: boolean;
}

/** A token that is to be revoked. */
export interface RevocableToken {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  /** How long the access token lives from now on, in milliseconds. */
  readonly leftMs: number;
}

/** When a flush ends. */
interface Limits {
  /** By `performance.now()`. */
  readonly end: number;
  readonly signal: AbortSignal;
}

/** Revokes one token at Moov; resolves on 2xx alone. */
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
 * The tokens that are out of service and have to be revoked, until Moov has answered 2xx or they have ended; and those
 * that were replaced or evicted while still valid, which the next `revoke()` revokes. Both are bounded; beyond that the
 * oldest are forgotten.
 */
export class Revocations {
  readonly #revokeAtMoov: RevokeAtMoov;
  readonly #timers: Timers;
  /** How many entries of each kind are kept. */
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

  /** How many tokens Moov has not confirmed to be revoked, of those that should be. */
  get count(): number {
    let count = 0;
    for (const entry of this.#pending) count += this.#living(entry).length;
    return count;
  }

  /** How many entries there have been: what is added later has a higher number. */
  get mark(): number {
    return this.#added;
  }

  /** From now on this token has to be revoked; {@link flush} does so. */
  add(token: RevocableToken): void {
    this.#insert(this.#pending, this.#entry(token));
  }

  /** Remembers a token that was replaced or evicted, until it ends. */
  retire(token: RevocableToken): void {
    for (const entry of this.#retired) {
      if (this.#living(entry).length > 0) break;
      this.#retired.delete(entry);
    }
    if (token.leftMs > 0) this.#insert(this.#retired, this.#entry(token, token.leftMs));
  }

  /** All that were retired have to be revoked from now on. */
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
   * Revokes all that is pending, one flush at a time, and first what was added after `mark`.
   *
   * @param timeoutMs - For the whole flush.
   * @returns how many were revoked.
   * @throws what the first failed revocation of a token threw that was added after `mark`. What is refused does not
   * keep the others from being tried; when Moov is unavailable the rest waits for the next flush.
   */
  flush(mark: number, timeoutMs: number): Promise<number> {
    const end = performance.now() + timeoutMs;
    return this.#enqueue((signal) => this.#flush([...this.#pending], mark, { end, signal }));
  }

  /** Revokes in the background what was added and has not been tried. */
  flushSoon(timeoutMs: number): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#enqueue((signal) => {
      this.#isFlushDue = false;
      const untried = [...this.#pending].filter(({ wasTried }) => !wasTried);
      return this.#flush(untried, this.#added, { end: performance.now() + timeoutMs, signal });
    }).catch(ignore);
  }

  /** Ends all flushes there are. What they have not revoked stays pending. */
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

  /** The refresh token goes first: while it lives, it can be exchanged for a new access token. */
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

  /** The tokens of an entry that have not ended; an entry without any is forgotten. */
  #living(entry: Entry): Pending[] {
    const now = performance.now();
    entry.tokens = entry.tokens.filter(({ endsAt }) => endsAt > now);
    if (entry.tokens.length === 0) this.#pending.delete(entry);
    return entry.tokens;
  }
}

function ignore(): void {}
