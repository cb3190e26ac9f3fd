import { setImmediate } from 'node:timers/promises';
import type { Emit } from '../events.js';
import type { Timers } from '../http/timers.js';
import type { StoredToken, TokenGeneration, TokenLock, TokenStore, TokenStoreAnswer } from './store.js';

/** What every operation of a guarded store answers when the store can't. */
export const UNAVAILABLE: unique symbol = Symbol('the store is unavailable');
type Unavailable = typeof UNAVAILABLE;

/** How long an operation of a store may take. */
const LIMIT_MS = 250;

/** The waits before the store is tried again. */
const FIRST_WAITS_MS = [1_000, 2_000, 4_000] as const;
const LATER_WAIT_MS = 5_000;

/**
 * A token store that never fails and never takes long: after a failure it is left alone for a while, and one
 * operation then finds out whether it is back. Both are told, once each.
 */
export class GuardedStore {
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

  acquire(key: string, known: TokenGeneration | undefined): Promise<TokenStoreAnswer | Unavailable> {
    return this.#run(
      () => this.#store.acquire(key, known),
      // A lock that is given when nobody waits for it any more would keep the others waiting.
      (late) => (late.state === 'locked' ? this.#store.release(late.lock) : undefined),
    );
  }

  put(
    lock: TokenLock,
    token: StoredToken,
    leftMs: number,
  ): Promise<TokenGeneration | undefined | Unavailable> {
    return this.#run(() => this.#store.put(lock, token, leftMs));
  }

  async release(lock: TokenLock, failed: boolean): Promise<void> {
    await this.#run(() => this.#store.release(lock, failed));
  }

  revoke(key: string): Promise<StoredToken | undefined | Unavailable> {
    return this.#run(() => this.#store.revoke(key));
  }

  async #run<T>(operation: () => Promise<T>, late?: (result: T) => unknown): Promise<T | Unavailable> {
    const broken = this.#failures > 0;
    if (broken && (this.#probing || performance.now() < this.#closedUntil)) return UNAVAILABLE;
    this.#probing = broken;
    let running: Promise<T> | undefined;
    try {
      running = operation();
      const result = await this.#inTime(running);
      this.#succeeded();
      return result;
    } catch (error) {
      this.#failed(error);
      if (late !== undefined) running?.then(late).catch(() => undefined);
      return UNAVAILABLE;
    } finally {
      if (broken) this.#probing = false;
    }
  }

  async #inTime<T>(running: Promise<T>): Promise<T> {
    const settled = new AbortController();
    const timeUp = this.#timers.sleep(LIMIT_MS, settled.signal).then(async () => {
      // A process that stood still itself finds the answer that has arrived in the meantime.
      if (!settled.signal.aborted) await setImmediate();
      throw new Error(`No answer within ${LIMIT_MS} ms`);
    });
    try {
      return await Promise.race([running, timeUp]);
    } finally {
      settled.abort();
      // Whichever lost the race has nobody else to tell.
      running.catch(() => undefined);
      timeUp.catch(() => undefined);
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
    const retryInMs = (FIRST_WAITS_MS[this.#failures] ?? LATER_WAIT_MS) * (1 + Math.random() * 0.1);
    this.#closedUntil = now + retryInMs;
    if (this.#failures++ > 0) return;
    const message = error instanceof Error ? error.message : 'The store failed without an error';
    this.#emit({ type: 'store.unavailable', message, retryInMs });
  }
}
