/** A token as a {@link TokenStore} keeps it. All of it is secret; a store outside the process encrypts it. */
export interface StoredToken {
  /** The token itself. */
  readonly accessToken: string;
  /** Present when Moov gave one: it renews with `renewWith: 'refresh_token'`, and is revoked with the access token. */
  readonly refreshToken?: string | undefined;
  /** What was granted, space-delimited (RFC 6749 section 3.3), if Moov said. */
  readonly scope?: string | undefined;
  /** Its whole life in milliseconds, from its receipt from Moov on. */
  readonly lifeMs: number;
  /** It is renewed ahead of its end when this many milliseconds of its life are left. */
  readonly renewAtLeftMs: number;
}

/** Counts the writes to one key. Compared for equality alone: a store that lost its memory may count anew. */
export type TokenGeneration = string;

/** The right to request the next token of a key, until it is used, released, or its time is up. */
export interface TokenLock {
  /** What it is the lock of. */
  readonly key: string;
  /** What tells this lock from others on the same key. */
  readonly id: string;
  /** The key's generation when the lock was given. */
  readonly generation: TokenGeneration;
}

/** The answer to {@link TokenStore.acquire}. */
export type TokenStoreAnswer =
  | {
      /** There is a token. */
      readonly state: 'token';
      /** The token. */
      readonly token: StoredToken;
      /** The key's generation. */
      readonly generation: TokenGeneration;
      /** How much of its life is left, in milliseconds. */
      readonly leftMs: number;
    }
  | {
      /** The caller holds the lock; no other process requests a token meanwhile. */
      readonly state: 'locked';
      /** The lock. */
      readonly lock: TokenLock;
      /** Whether there is a token that can't be decrypted. */
      readonly unreadable?: boolean;
    }
  | {
      /** Another process has the lock. */
      readonly state: 'held';
      /** For at most this long, in milliseconds. */
      readonly leftMs: number;
      /** Whether there is a token that can't be decrypted. */
      readonly unreadable?: boolean;
    };

/**
 * The answer to {@link TokenStore.put} of a store that has lost its memory of the key: it can't say whether the token
 * is the newest, and has not stored it. The process keeps the token for itself.
 */
export interface ForgottenGeneration {
  /** Says what it is. */
  readonly state: 'forgotten';
}

/** The answer to {@link TokenStore.revoke} of a store that took out something else than one token. */
export interface TakenTokens {
  /** The tokens that were taken out, so that they can be revoked at Moov. */
  readonly tokens: readonly StoredToken[];
  /** Whether there was a token that can't be decrypted. It can't be revoked at Moov then. */
  readonly unreadable?: boolean | undefined;
}

/** A change that a store reports to those who watch it. */
export interface TokenStoreChange {
  /** What has changed. */
  readonly key: string;
  /**
   * `stored`: a new token is there. `released`: the holder gave up the lock. `failed`: it did, as Moov issued no
   * token. `revoked`: see {@link TokenStore.revoke}.
   */
  readonly kind: 'stored' | 'released' | 'failed' | 'revoked';
}

/**
 * Where several `MoovAuth`s, in one process or in many, share tokens: one of them requests a token, all use it.
 *
 * Each operation should be one round trip and atomic; it may reject when the store can't answer. It is given 250 ms.
 * After that, or after a rejection or an answer of another type, the process goes on without the store; only
 * `moov.revoke()` then rejects, as the store may still have the token. An operation that settles later is not lost: a
 * lock is released, and a token that was taken out is revoked at Moov.
 *
 * The message of an error is reported in `store.unavailable`, so it must not hold a token. Keys are opaque: a hash of
 * the client, the base URL, the origin and the scopes.
 *
 * To write one, see `memoryTokenStore` and `express-moov-auth/redis`, and run the contract tests in `test/stores`.
 */
export interface TokenStore {
  /** How long a lock lives, in milliseconds. It must exceed the option `tokenTimeoutMs`. */
  readonly lockTtlMs: number;
  /**
   * Returns the token of a key, or the lock to request one.
   *
   * @param key - What the token is for.
   * @param known - The generation of the token that the caller has and can't use any more. It is not returned again.
   */
  acquire(key: string, known: TokenGeneration | undefined): Promise<TokenStoreAnswer>;
  /**
   * Stores what the holder of a lock has received from Moov, and ends the lock.
   *
   * @param lock - From `acquire`.
   * @param token - What Moov issued.
   * @param leftMs - How long the token lives from now on, in milliseconds; the store measures it by its own clock.
   * @returns the new generation when the token was stored; `undefined` when the lock was overtaken, that is, a
   * revocation or a token of a later holder came first: the token is then revoked at Moov; {@link ForgottenGeneration}
   * when the store has no memory of the lock's generation and can't tell: the token is then used by its process alone.
   */
  put(
    lock: TokenLock,
    token: StoredToken,
    leftMs: number,
  ): Promise<TokenGeneration | undefined | ForgottenGeneration>;
  /**
   * Ends a lock without a token. A lock that another process has by now is left alone.
   *
   * @param lock - From `acquire`.
   * @param failed - Whether Moov issued none; processes that wait for the token are then told. Default `false`.
   */
  release(lock: TokenLock, failed?: boolean): Promise<void>;
  /**
   * Takes the token of a key out, ends the lock, and moves the generation on, so that a process that is requesting a
   * token now can't put it. It must work when the store is full.
   *
   * @param key - What the token is for.
   * @returns the token that was taken out, so that it can be revoked at Moov; `undefined` when there was none;
   * {@link TakenTokens} when there were several, as the response to an earlier revocation was lost, or one that can't
   * be decrypted.
   */
  revoke(key: string): Promise<StoredToken | undefined | TakenTokens>;
  /**
   * Reports changes from now on, as far as the store can. Processes also look for themselves, so a lost change only
   * costs time.
   *
   * @param listener - Gets each change.
   * @returns a function that ends it.
   */
  watch(listener: (change: TokenStoreChange) => void): () => void;
  /**
   * Optional. Finds what the store lacks, such as rights or a setting. It is called once, after the first
   * token was shared. Each sentence that it returns is reported as an event `store.warning`; a rejection is ignored.
   */
  check?(): Promise<readonly string[]>;
}
