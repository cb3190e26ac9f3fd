import { createHash } from 'node:crypto';
import { MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import type { StoredToken, TokenLock, TokenStoreAnswer, TokenStoreChange } from '../token-store.js';
import { type Timers, withTimeout } from '../utils/timers.js';
import type { MoovTokenProvider, MoovTokenRequest } from './moov-token-provider.js';
import { type ResilientTokenStore, UNAVAILABLE } from './resilient-token-store.js';
import { StoreRevocations, type TakenOut } from './store-revocations.js';
import { expiryMarginMs, type ObtainedToken } from './token.js';
import type { RenewalContext, TokenProvider, TokenRequest } from './token-provider.js';

/** Polling interval while another process holds the lock, in case its notification is lost. */
const LOOK_AGAIN_MS = 200;
const LOOK_AGAIN_SPREAD_MS = 200;

/** Limits how often a store is asked that keeps answering "held, for 0 ms". */
const SHORTEST_WAIT_MS = 10;

/** How many unusable tokens are skipped: one that is about to expire, and the one to be replaced. */
const MOST_USELESS = 3;

/** The time limit for the function that returns the client ID. */
const KEY_LIMIT_MS = 5_000;

/** The parts of a {@link SharedTokenProvider}. */
export interface SharedTokenProviderParts {
  /** Requests the tokens that the store does not have. */
  moov: MoovTokenProvider;
  store: ResilientTokenStore;
  /** The name of a set of scopes in the store. May reject, because it can depend on a key from a secret store. */
  keyOf: (scope: string) => Promise<string>;
  /** Revokes a token that a revocation or a later lock holder has superseded. */
  revoke: (token: StoredToken) => void;
  emit: Emit;
  timers: Timers;
}

/**
 * Shares tokens among processes: the lock holder requests a token from Moov; the others wait for it to appear in the
 * store. If the store is unavailable, each process requests its own.
 */
export class SharedTokenProvider implements TokenProvider {
  readonly #parts: SharedTokenProviderParts;
  readonly #waiting = new Map<string, Set<Wake>>();
  readonly #revocations: StoreRevocations;

  constructor(parts: SharedTokenProviderParts) {
    this.#parts = parts;
    this.#revocations = new StoreRevocations({ ...parts, keyFor: (scope) => this.#keyFor(scope) });
  }

  /** The number of sets of scopes that may have a token in the store that should be revoked. */
  get pendingRevocations(): number {
    return this.#revocations.count;
  }

  /**
   * Subscribes to changes in the store.
   *
   * @param revoked - Receives each key whose token was revoked, by any process.
   * @returns a function that ends the subscription.
   */
  watch(revoked: (key: string) => void): () => void {
    return this.#parts.store.watch(({ key, kind }) => {
      if (kind === 'revoked') revoked(key);
      for (const wake of this.#waiting.get(key) ?? []) wake(kind);
    });
  }

  /** Returns the function that obtains the tokens of one set of scopes. */
  forScopes(scope: string): TokenRequest {
    const request = this.#parts.moov.forScopes(scope);
    return async (context) => {
      const key = await this.#keyFor(scope);
      if (key === undefined) return request(context);
      const obtained = await this.#obtain(key, request, context);
      if (obtained?.shared !== undefined) this.#parts.store.check();
      return obtained;
    };
  }

  /** Removes the tokens of these sets of scopes from the store; see {@link StoreRevocations.revokeAll}. */
  revokeAll(scopes: Iterable<string>, end: number): Promise<TakenOut> {
    return this.#revocations.revokeAll(scopes, end);
  }

  /**
   * Without the client ID there is no name in the store. A token request then fails for the same reason and reports it.
   */
  #keyFor(scope: string): Promise<string | undefined> {
    const { keyOf, timers } = this.#parts;
    const timedOut = () => new Error('No client ID in time');
    return withTimeout(keyOf(scope), { ms: KEY_LIMIT_MS, timers, timedOut }).catch(() => undefined);
  }

  async #obtain(
    key: string,
    request: MoovTokenRequest,
    context: RenewalContext,
  ): Promise<ObtainedToken | undefined> {
    const { store, emit } = this.#parts;
    // Two lock lifetimes: the holder may crash, and its successor needs as long again.
    const end = performance.now() + 2 * store.lockTtlMs;
    let known = context.known?.key === key ? context.known.generation : undefined;
    let isReported = false;
    let useless = 0;
    for (;;) {
      const answer = await store.acquire(key, known);
      if (answer === UNAVAILABLE) return request(context);
      if (answer.state === 'token') {
        if (isOfUse(answer, known, context)) return taken(key, answer);
        if (++useless > MOST_USELESS) return request(context);
        known = answer.generation;
        continue;
      }
      if (answer.unreadable && !isReported) emit({ type: 'store.unreadable' });
      isReported ||= answer.unreadable === true;
      if (answer.state === 'locked') return this.#requestWithLock(answer.lock, request, context);
      const waitMs = Math.min(end - performance.now(), answer.leftMs);
      if (end <= performance.now() || context.signal.aborted) return request(context);
      if ((await this.#change(key, waitMs, context)) === 'failed') throw anotherFailed();
    }
  }

  async #requestWithLock(
    lock: TokenLock,
    request: MoovTokenRequest,
    context: RenewalContext,
  ): Promise<ObtainedToken | undefined> {
    const { store, revoke } = this.#parts;
    let obtained: ObtainedToken;
    try {
      obtained = await request(context);
    } catch (error) {
      await store.release(lock, !context.signal.aborted);
      throw error;
    }
    const { accessToken, refreshToken, scope, lifeMs, renewAtLeftMs } = obtained;
    const kept = { accessToken, refreshToken, scope, lifeMs, renewAtLeftMs };
    const answer = await store.put(lock, kept, obtained.leftMs, (late) => {
      if (late === undefined) revoke(kept);
    });
    if (typeof answer === 'string') return { ...obtained, shared: { key: lock.key, generation: answer } };
    if (answer === undefined) {
      revoke(obtained);
      return undefined;
    }
    // The token is valid: the store is unavailable, or has lost its generation.
    if (answer === UNAVAILABLE) await store.release(lock, false);
    return obtained;
  }

  /** Waits until the key changes, or until the next poll. */
  async #change(
    key: string,
    mostMs: number,
    { timers, signal }: RenewalContext,
  ): Promise<TokenStoreChange['kind'] | undefined> {
    const woken = new AbortController();
    let change: TokenStoreChange['kind'] | undefined;
    const wake: Wake = (kind) => {
      change = kind;
      woken.abort();
    };
    const abort = () => woken.abort();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(wake));
    signal.addEventListener('abort', abort);
    try {
      await timers.sleep(
        Math.max(SHORTEST_WAIT_MS, Math.min(mostMs, LOOK_AGAIN_MS + Math.random() * LOOK_AGAIN_SPREAD_MS)),
        woken.signal,
      );
    } finally {
      signal.removeEventListener('abort', abort);
      waiting.delete(wake);
      if (waiting.size === 0) this.#waiting.delete(key);
    }
    return change;
  }
}

type Wake = (kind: TokenStoreChange['kind']) => void;

/** Callers that wait would most likely fail for the same reason, so they do not each ask Moov. */
function anotherFailed(): MoovUnavailableError {
  return new MoovUnavailableError('Another process sharing this store failed to get a token from Moov', {
    code: 'ERR_MOOV_ANOTHER_FAILED',
  });
}

type TokenAnswer = Extract<TokenStoreAnswer, { state: 'token' }>;

/**
 * Excludes a token that is about to expire, and the token to be replaced, which a write with a lost confirmation may
 * have put.
 */
function isOfUse(
  { token, leftMs, generation }: TokenAnswer,
  known: string | undefined,
  { held }: RenewalContext,
): boolean {
  return (
    generation !== known && leftMs > expiryMarginMs(token.lifeMs) && token.accessToken !== held?.accessToken()
  );
}

function taken(key: string, { token, leftMs, generation }: TokenAnswer): ObtainedToken {
  // The remaining lifetime cannot exceed the whole lifetime, whatever the store's clock says.
  return { ...token, leftMs: Math.min(leftMs, token.lifeMs), from: 'store', shared: { key, generation } };
}

/** What a token depends on, in addition to its scopes. */
export interface StoreClient {
  clientId: () => Promise<string>;
  baseURL: string;
  origin?: string | undefined;
}

/**
 * Returns the name of a set of scopes in a store. Processes share a token exactly if they would request the same one
 * from Moov. It is a hash, so that read access to the store reveals no clients, scopes or accounts. Rejects as the
 * function for `clientId` does.
 */
export async function storeKey(client: StoreClient, scope: string): Promise<string> {
  const what = [await client.clientId(), client.baseURL, client.origin, scope];
  return createHash('sha256').update(JSON.stringify(what)).digest('base64url');
}
