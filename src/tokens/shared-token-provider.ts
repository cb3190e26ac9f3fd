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

/** A store that says "held, for 0 ms" without end is not asked without end. */
const SHORTEST_WAIT_MS = 10;

/** How many tokens that are of no use are looked past: one that is about to end, and the one to be replaced. */
const MOST_USELESS = 3;

/** How long the function for the client's ID may take. */
const KEY_LIMIT_MS = 5_000;

/** What a {@link SharedTokenProvider} is made of. */
export interface SharedTokenProviderParts {
  /** Requests the tokens that the store does not have. */
  moov: MoovTokenProvider;
  store: ResilientTokenStore;
  /** The name of a set of scopes in the store. May reject, as it can depend on a key that is read from elsewhere. */
  keyOf: (scope: string) => Promise<string>;
  /** Revokes a token at Moov: a revocation, or a later holder of the lock, was faster. */
  revoke: (token: StoredToken) => void;
  emit: Emit;
  timers: Timers;
}

/**
 * How the processes of a fleet get one token together: the holder of the store's lock requests a token from Moov, the
 * others wait for it to appear in the store. If the store is unavailable, each process requests its own.
 */
export class SharedTokenProvider implements TokenProvider {
  readonly #parts: SharedTokenProviderParts;
  readonly #waiting = new Map<string, Set<Wake>>();
  readonly #revocations: StoreRevocations;

  constructor(parts: SharedTokenProviderParts) {
    this.#parts = parts;
    this.#revocations = new StoreRevocations({ ...parts, keyFor: (scope) => this.#keyFor(scope) });
  }

  /** How many sets of scopes may have a token in the store that was to be revoked. */
  get pendingRevocations(): number {
    return this.#revocations.count;
  }

  /**
   * Listens to what the store tells, from now on.
   *
   * @param revoked - Gets each key whose token was revoked, by any process.
   * @returns a function that ends it.
   */
  watch(revoked: (key: string) => void): () => void {
    return this.#parts.store.watch(({ key, kind }) => {
      if (kind === 'revoked') revoked(key);
      for (const wake of this.#waiting.get(key) ?? []) wake(kind);
    });
  }

  /** How the source of one set of scopes obtains its tokens. */
  forScopes(scope: string): TokenRequest {
    const mint = this.#parts.moov.forScopes(scope);
    return async (want) => {
      const key = await this.#keyFor(scope);
      if (key === undefined) return mint(want);
      const obtained = await this.#obtain(key, mint, want);
      if (obtained?.shared !== undefined) this.#parts.store.check();
      return obtained;
    };
  }

  /** Takes the tokens of these sets of scopes out of the store; see {@link StoreRevocations.revokeAll}. */
  revokeAll(scopes: Iterable<string>, end: number): Promise<TakenOut> {
    return this.#revocations.revokeAll(scopes, end);
  }

  /** Without the client's ID there is no name in the store; a token request fails for the same reason and tells it. */
  #keyFor(scope: string): Promise<string | undefined> {
    const { keyOf, timers } = this.#parts;
    const timedOut = () => new Error('No client ID in time');
    return withTimeout(keyOf(scope), { ms: KEY_LIMIT_MS, timers, timedOut }).catch(() => undefined);
  }

  async #obtain(
    key: string,
    mint: MoovTokenRequest,
    want: RenewalContext,
  ): Promise<ObtainedToken | undefined> {
    const { store, emit } = this.#parts;
    // Two lock lifetimes: the holder may crash, and its successor needs as long again.
    const end = performance.now() + 2 * store.lockTtlMs;
    let known = want.known?.key === key ? want.known.generation : undefined;
    let told = false;
    let useless = 0;
    for (;;) {
      const answer = await store.acquire(key, known);
      if (answer === UNAVAILABLE) return mint(want);
      if (answer.state === 'token') {
        if (isOfUse(answer, known, want)) return taken(key, answer);
        if (++useless > MOST_USELESS) return mint(want);
        known = answer.generation;
        continue;
      }
      if (answer.unreadable && !told) emit({ type: 'store.unreadable' });
      told ||= answer.unreadable === true;
      if (answer.state === 'locked') return this.#mintInto(answer.lock, mint, want);
      const patienceMs = Math.min(end - performance.now(), answer.leftMs);
      if (end <= performance.now() || want.signal.aborted) return mint(want);
      if ((await this.#change(key, patienceMs, want)) === 'failed') throw anotherFailed();
    }
  }

  async #mintInto(
    lock: TokenLock,
    mint: MoovTokenRequest,
    want: RenewalContext,
  ): Promise<ObtainedToken | undefined> {
    const { store, revoke } = this.#parts;
    let obtained: ObtainedToken;
    try {
      obtained = await mint(want);
    } catch (error) {
      await store.release(lock, !want.signal.aborted);
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
    // The token is good: the store is unavailable, or has forgotten which token is the newest.
    if (answer === UNAVAILABLE) await store.release(lock, false);
    return obtained;
  }

  /** Until the key changes, and how, or until it is time to look again. */
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

/** Whoever waits would most likely fail for the same reason, and Moov need not be asked by each to learn it. */
function anotherFailed(): MoovUnavailableError {
  return new MoovUnavailableError('Another process that shares the store was given no token by Moov', {
    code: 'ERR_MOOV_ANOTHER_FAILED',
  });
}

type TokenAnswer = Extract<TokenStoreAnswer, { state: 'token' }>;

/** Not one about to end, nor the very one that is to be replaced, put by a write whose confirmation was lost. */
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
  // No token has more left than its life, whatever the clock of the store does.
  return { ...token, leftMs: Math.min(leftMs, token.lifeMs), from: 'store', shared: { key, generation } };
}

/** What a token depends on besides its scopes. */
export interface StoreClient {
  clientId: () => Promise<string>;
  baseURL: string;
  origin?: string | undefined;
}

/**
 * The name of a set of scopes in a store: processes share a token exactly when they would ask Moov for the same one. It
 * is a hash, so that read access to the store reveals no clients, scopes and accounts. Rejects as the function given for
 * `clientId` does.
 */
export async function storeKey(client: StoreClient, scope: string): Promise<string> {
  const what = [await client.clientId(), client.baseURL, client.origin, scope];
  return createHash('sha256').update(JSON.stringify(what)).digest('base64url');
}
