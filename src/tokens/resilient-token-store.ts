import { z } from 'zod';
import type { Emit } from '../events.js';
import type {
  ForgottenGeneration,
  StoredToken,
  TakenTokens,
  TokenGeneration,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from '../token-store.js';
import { ignoreErrors } from '../utils/errors.js';
import { backoffMs, type Timers, withTimeout } from '../utils/timers.js';
import * as schemas from './store-schemas.js';

/** The result of an operation to which the store gave no answer. It says nothing about the content of the store. */
export const UNAVAILABLE: unique symbol = Symbol('the store is unavailable');
type Unavailable = typeof UNAVAILABLE;

/** What a store may answer to `put`. */
export type PutAnswer = TokenGeneration | undefined | ForgottenGeneration;

/** What a store may answer to `revoke`. */
export type RevokeAnswer = StoredToken | undefined | TakenTokens;

/** How long an operation of a store may take. */
const LIMIT_MS = 250;

/** The first and the longest wait before the store is tried again. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 5_000;

/** How to run one operation of the store. */
interface Operation<T> {
  name: keyof TokenStore;
  run: () => Promise<T>;
  expected: z.ZodType;
  /** Receives an answer that arrives after the time limit. */
  late?: ((result: T) => unknown) | undefined;
  /**
   * Whether to run it even if the store has failed, because it cleans up. After a slow failure it is skipped for a
   * moment, so that many such operations in a row do not wait one after the other.
   */
  urgent?: boolean;
}

/**
 * A token store behind a time limit and a circuit breaker: it never rejects and never takes long. After a failure the
 * store is not used for a while. Then one operation checks whether it is available again. Both are reported once. An
 * answer that does not match the interface counts as a failure.
 */
export class ResilientTokenStore {
  readonly #store: TokenStore;
  readonly #emit: Emit;
  readonly #timers: Timers;
  #failures = 0;
  #closedUntil = 0;
  /** Until when even an urgent operation is skipped, because the last failure was slow. */
  #slowUntil = 0;
  #probing = false;
  #isChecked = false;

  constructor(store: TokenStore, emit: Emit, timers: Timers) {
    this.#store = store;
    this.#emit = emit;
    this.#timers = timers;
  }

  get lockTtlMs(): number {
    return this.#store.lockTtlMs;
  }

  acquire(key: string, known: TokenGeneration | undefined): Promise<TokenStoreAnswer | Unavailable> {
    return this.#run<TokenStoreAnswer>({
      name: 'acquire',
      run: () => this.#store.acquire(key, known),
      expected: schemas.answer,
      // A lock that arrives when nobody waits for it any more would block the other processes.
      late: (answer) => (answer.state === 'locked' ? this.#store.release(answer.lock) : undefined),
    });
  }

  /** @param late - Receives an answer that arrives after the time limit. */
  put(
    lock: TokenLock,
    token: StoredToken,
    leftMs: number,
    late: (answer: PutAnswer) => void,
  ): Promise<PutAnswer | Unavailable> {
    return this.#run<PutAnswer>({
      name: 'put',
      run: () => hideMessage(() => this.#store.put(lock, token, leftMs)),
      expected: schemas.putAnswer,
      late,
      urgent: true,
    });
  }

  async release(lock: TokenLock, failed: boolean): Promise<void> {
    await this.#run({
      name: 'release',
      run: () => this.#store.release(lock, failed),
      expected: z.unknown(),
      urgent: true,
    });
  }

  /** @param late - Receives an answer that arrives after the time limit. */
  revoke(key: string, late: (answer: RevokeAnswer) => void): Promise<RevokeAnswer | Unavailable> {
    return this.#run<RevokeAnswer>({
      name: 'revoke',
      run: () => this.#store.revoke(key),
      expected: schemas.revokeAnswer,
      late,
      urgent: true,
    });
  }

  /**
   * Reports changes as far as the store does; missed changes are found by polling. @returns a function that ends it.
   */
  watch(listener: (change: TokenStoreChange) => void): () => void {
    let end: unknown;
    ignoreErrors(() => {
      end = this.#store.watch((change) => {
        if (schemas.change.safeParse(change).success) listener(change);
      });
      return end;
    });
    return () => ignoreErrors(() => typeof end === 'function' && end());
  }

  /** Runs the store's own check once and reports its warnings. Nothing waits for it. */
  check(): void {
    if (this.#isChecked) return;
    this.#isChecked = true;
    ignoreErrors(async () => {
      const messages = await checked({
        name: 'check',
        run: async () => this.#store.check?.(),
        expected: schemas.warnings,
      });
      for (const message of new Set(messages)) this.#emit({ type: 'store.warning', message });
    });
  }

  async #run<T>(operation: Operation<T>): Promise<T | Unavailable> {
    const { late, urgent = false } = operation;
    const broken = this.#failures > 0;
    const isClosed = this.#probing || performance.now() < this.#closedUntil;
    const mayRun = urgent && performance.now() >= this.#slowUntil;
    if (broken && isClosed && !mayRun) return UNAVAILABLE;
    const probes = broken && !this.#probing;
    if (probes) this.#probing = true;
    const began = performance.now();
    const running = checked(operation);
    try {
      const result = await withTimeout(running, {
        ms: LIMIT_MS,
        timers: this.#timers,
        timedOut: () => new Error(`No answer within ${LIMIT_MS} ms`),
      });
      this.#succeeded();
      return result;
    } catch (error) {
      this.#failed(error, performance.now() - began);
      if (late !== undefined) running.then(late).catch(() => undefined);
      return UNAVAILABLE;
    } finally {
      if (probes) this.#probing = false;
    }
  }

  #succeeded(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#emit({ type: 'store.available' });
  }

  #failed(error: unknown, tookMs: number): void {
    const now = performance.now();
    if (tookMs > LIMIT_MS / 2) this.#slowUntil = now + LIMIT_MS;
    // If operations that began before the first failure fail too, that is not reported again.
    if (this.#failures > 0 && now < this.#closedUntil) return;
    const retryInMs = backoffMs(this.#failures + 1, FIRST_WAIT_MS, LONGEST_WAIT_MS, { from: 1, to: 1.1 });
    this.#closedUntil = now + retryInMs;
    if (this.#failures++ > 0) return;
    const message = error instanceof Error ? error.message : 'The store failed without an error';
    this.#emit({ type: 'store.unavailable', message, retryInMs });
  }
}

/** @throws Error for an answer that does not match the interface, naming its field; never a value, which may be a token. */
async function checked<T>({ name, run, expected }: Operation<T>): Promise<T> {
  const result = await run();
  const issue = expected.safeParse(result).error?.issues[0];
  if (issue === undefined) return result;
  const field = issue.path.length === 0 ? '' : ` at "${issue.path.join('.')}"`;
  throw new Error(`The store's answer to ${name} does not match TokenStore${field}: ${issue.message}`);
}

/** The error of a `put` may contain the token. Only a code in its message is kept, such as Redis's NOPERM or OOM. */
async function hideMessage<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const code = error instanceof Error ? /^[A-Z]{2,20}\b/.exec(error.message)?.[0] : undefined;
    throw new Error(`A token could not be put into the store${code === undefined ? '' : `: ${code}`}`);
  }
}
