import { z } from 'zod';
import type { Emit } from '../events.js';
import type {
  StoredToken,
  TokenGeneration,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from '../token-store.js';
import { ignoreErrors } from '../utils/errors.js';
import { backoffMs, type Timers, withTimeout } from '../utils/timers.js';
import * as replies from './store-schemas.js';

/** What every operation of a guarded store answers when the store can't. */
export const UNAVAILABLE: unique symbol = Symbol('the store is unavailable');
type Unavailable = typeof UNAVAILABLE;

/** How long an operation of a store may take. */
const LIMIT_MS = 250;

/** The waits before the store is tried again: the first, and the longest. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 5_000;

/**
 * A token store that never fails and never takes long: after a failure it is left alone for a while, and one
 * operation then finds out whether it is back. Both are told, once each. An answer of another type than the
 * interface says is a failure too.
 */
export class ResilientTokenStore {
  readonly #store: TokenStore;
  readonly #emit: Emit;
  readonly #timers: Timers;
  #failures = 0;
  #closedUntil = 0;
  #probing = false;

  constructor(store: TokenStore, emit: Emit, timers: Timers) {
    this.#store = store;
    this.#emit = emit;
    this.#timers = timers;
  }

  get lockTtlMs(): number {
    return this.#store.lockTtlMs;
  }

  acquire(key: string, known: TokenGeneration | undefined): Promise<TokenStoreAnswer | Unavailable> {
    return this.#run(
      () => this.#store.acquire(key, known),
      replies.answer,
      // A lock that is given when nobody waits for it any more would keep the others waiting.
      (late) => (late.state === 'locked' ? this.#store.release(late.lock) : undefined),
    );
  }

  put(
    lock: TokenLock,
    token: StoredToken,
    leftMs: number,
  ): Promise<TokenGeneration | undefined | Unavailable> {
    return this.#run(
      () => withoutWords(() => this.#store.put(lock, token, leftMs)),
      replies.generation.optional(),
    );
  }

  async release(lock: TokenLock, failed: boolean): Promise<void> {
    await this.#run(() => this.#store.release(lock, failed), z.unknown());
  }

  /** @param late - Gets the token when the store takes it out after all, later than is waited for. */
  revoke(
    key: string,
    late: (token: StoredToken | undefined) => void,
  ): Promise<StoredToken | undefined | Unavailable> {
    return this.#run(() => this.#store.revoke(key), replies.storedToken.optional(), late);
  }

  /** Tells of changes as far as the store does; what is missed is found by looking. @returns a function that ends it. */
  watch(listener: (change: TokenStoreChange) => void): () => void {
    let end: unknown;
    ignoreErrors(() => {
      end = this.#store.watch((change) => {
        if (replies.change.safeParse(change).success) listener(change);
      });
      return end;
    });
    return () => ignoreErrors(() => typeof end === 'function' && end());
  }

  async #run<T>(
    operation: () => Promise<T>,
    expected: z.ZodType,
    late?: (result: T) => unknown,
  ): Promise<T | Unavailable> {
    const broken = this.#failures > 0;
    if (broken && (this.#probing || performance.now() < this.#closedUntil)) return UNAVAILABLE;
    this.#probing = broken;
    const running = checked(operation, expected);
    try {
      const result = await withTimeout(running, {
        ms: LIMIT_MS,
        timers: this.#timers,
        timedOut: () => new Error(`No answer within ${LIMIT_MS} ms`),
      });
      this.#succeeded();
      return result;
    } catch (error) {
      this.#failed(error);
      if (late !== undefined) running.then(late).catch(() => undefined);
      return UNAVAILABLE;
    } finally {
      if (broken) this.#probing = false;
    }
  }

  #succeeded(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#emit({ type: 'store.available' });
  }

  #failed(error: unknown): void {
    const now = performance.now();
    // Operations that began before the first failure tell nothing new when they fail too.
    if (this.#failures > 0 && now < this.#closedUntil) return;
    const retryInMs = backoffMs(this.#failures + 1, FIRST_WAIT_MS, LONGEST_WAIT_MS, { from: 1, to: 1.1 });
    this.#closedUntil = now + retryInMs;
    if (this.#failures++ > 0) return;
    const message = error instanceof Error ? error.message : 'The store failed without an error';
    this.#emit({ type: 'store.unavailable', message, retryInMs });
  }
}

async function checked<T>(operation: () => Promise<T>, expected: z.ZodType): Promise<T> {
  const result = await operation();
  if (expected.safeParse(result).success) return result;
  throw new Error('The store gave an answer that TokenStore does not allow');
}

/** The error of a `put` may repeat what was to be put. Of its message a code is told, such as Redis's NOPERM or OOM. */
async function withoutWords<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const code = error instanceof Error ? /^[A-Z]{2,20}\b/.exec(error.message)?.[0] : undefined;
    throw new Error(`A token could not be put into the store${code === undefined ? '' : `: ${code}`}`);
  }
}
