/** A token in a {@link TokenStore}. All of it is secret; a store outside the process must encrypt it. */
export interface StoredToken {
  /** The token itself. */
  readonly accessToken: string;
  /** Present if Moov issued one. Used with `renewWith: 'refresh_token'`, and revoked with the access token. */
  readonly refreshToken?: string | undefined;
  /** The granted scopes, space-delimited (RFC 6749 section 3.3), if Moov returned them. */
  readonly scope?: string | undefined;
  /** Its whole lifetime in milliseconds, from its receipt from Moov. */
  readonly lifeMs: number;
  /** Its renewal is due when this many milliseconds of its lifetime are left. */
  readonly renewAtLeftMs: number;
}

/** Counts the writes to one key. Only compared for equality, because a store that lost its data may start again. */
export type TokenGeneration = string;

/** The right to request the next token of a key, until it is used, released or expired. */
export interface TokenLock {
  /** The key that it locks. */
  readonly key: string;
  /** Distinguishes this lock from others on the same key. */
  readonly id: string;
  /** The key's generation when the lock was granted. */
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
      /** Its remaining lifetime, in milliseconds. */
      readonly leftMs: number;
    }
  | {
      /** The caller holds the lock; no other process requests a token meanwhile. */
      readonly state: 'locked';
      /** The lock. */
      readonly lock: TokenLock;
      /** Whether there is a token that cannot be decrypted. */
      readonly unreadable?: boolean;
    }
  | {
      /** Another process has the lock. */
      readonly state: 'held';
      /** For at most this long, in milliseconds. */
      readonly leftMs: number;
      /** Whether there is a token that cannot be decrypted. */
      readonly unreadable?: boolean;
    };

/**
 * The answer to {@link TokenStore.put} of a store that lost its data about the key: it does not know whether the token
 * is the newest, and has not stored it. The process uses the token alone.
 */
export interface ForgottenGeneration {
  /** The type of this answer. */
  readonly state: 'forgotten';
}

/** The answer to {@link TokenStore.revoke} of a store that removed anything other than exactly one token. */
export interface TakenTokens {
  /** The removed tokens, which must be revoked at Moov. */
  readonly tokens: readonly StoredToken[];
  /** Whether there was a token that cannot be decrypted, and so cannot be revoked at Moov. */
  readonly unreadable?: boolean | undefined;
}

/** A change that a store reports to its watchers. */
export interface TokenStoreChange {
  /** The key that changed. */
  readonly key: string;
  /**
   * `stored`: there is a new token. `released`: the holder released the lock. `failed`: the same, because Moov issued
   * no token. `revoked`: see {@link TokenStore.revoke}.
   */
  readonly kind: 'stored' | 'released' | 'failed' | 'revoked';
}

/**
 * Shares tokens among several `MoovAuth`s, in one process or in many: one of them requests a token, and all use it.
 *
 * Each operation should be one atomic round trip. It may reject, and has 250 ms. After that time, a rejection, or an
 * invalid answer, the process continues without the store. Only `moov.revoke()` then rejects, because the store may
 * still have the token. A late answer is not lost: a lock is released, and a removed token is revoked at Moov.
 *
 * The message of an error is reported in `store.unavailable`, so it must not contain a token. Keys are opaque: a hash
 * of the client, the base URL, the origin and the scopes.
 *
 * To write one, see `memoryTokenStore` and `express-moov-auth/redis`, and run the contract tests in `test/stores`.
 */
export interface TokenStore {
  /** How long a lock is valid, in milliseconds. Must exceed the option `tokenTimeoutMs`. */
  readonly lockTtlMs: number;
  /**
   * Returns the token of a key, or the lock to request one.
   *
   * @param key - Identifies the token.
   * @param known - The generation of the token that the caller has and cannot use any more. It is not returned again.
   */
  acquire(key: string, known: TokenGeneration | undefined): Promise<TokenStoreAnswer>;
  /**
   * Stores the token that a lock holder received from Moov, and releases the lock.
   *
   * @param lock - From `acquire`.
   * @param token - The token from Moov.
   * @param leftMs - The remaining lifetime of the token, in milliseconds. The store measures it by its own clock.
   * @returns the new generation if the token was stored; `undefined` if a revocation or a token of a later holder came
   * first: the token is then revoked at Moov; {@link ForgottenGeneration} if the store lost the lock's generation and
   * does not know: the token is then used by its process alone.
   */
  put(
    lock: TokenLock,
    token: StoredToken,
    leftMs: number,
  ): Promise<TokenGeneration | undefined | ForgottenGeneration>;
  /**
   * Releases a lock without a token. A lock that another process has by now is not released.
   *
   * @param lock - From `acquire`.
   * @param failed - Whether Moov issued no token, so that waiting processes are notified. Default `false`.
   */
  release(lock: TokenLock, failed?: boolean): Promise<void>;
  /**
   * Removes the token of a key, ends the lock, and increments the generation, so that a process that is requesting a
   * token now cannot put it. Must work when the store is full.
   *
   * @param key - Identifies the token.
   * @returns the removed token, which must be revoked at Moov; `undefined` if there was none; {@link TakenTokens} if
   * there were several, because the response to an earlier revocation was lost, or one that cannot be decrypted.
   */
  revoke(key: string): Promise<StoredToken | undefined | TakenTokens>;
  /**
   * Subscribes to changes. Best effort: processes also poll, so a lost notification only costs time.
   *
   * @param listener - Called with each change.
   * @returns a function that ends the subscription.
   */
  watch(listener: (change: TokenStoreChange) => void): () => void;
  /**
   * Optional. Finds problems of the store, such as missing rights or a wrong setting. Called once, after the first
   * token was shared. Each returned sentence is reported as an event `store.warning`; a rejection is ignored.
   */
  check?(): Promise<readonly string[]>;
}
