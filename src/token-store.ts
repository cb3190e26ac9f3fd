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

/** The right to obtain the next token of a key, until it is used, released, or its time is up. */
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
      /** The lock is the caller's: nobody else obtains a token while he has it. */
      readonly state: 'locked';
      /** The lock. */
      readonly lock: TokenLock;
      /** Whether there is a token that can't be decrypted. */
      readonly unreadable?: boolean;
    }
  | {
      /** Somebody else has the lock. */
      readonly state: 'held';
      /** For at most this long, in milliseconds. */
      readonly leftMs: number;
      /** Whether there is a token that can't be decrypted. */
      readonly unreadable?: boolean;
    };

/** What a store tells those who watch it. */
export interface TokenStoreChange {
  /** What has changed. */
  readonly key: string;
  /**
   * `stored`: a new token is there. `released`: the holder gave up the lock. `failed`: he did, as Moov gave him no
   * token. `revoked`: see {@link TokenStore.revoke}.
   */
  readonly kind: 'stored' | 'released' | 'failed' | 'revoked';
}

/**
 * Where several `MoovAuth`s, in one process or in many, share tokens: one of them obtains a token, all use it.
 *
 * Each operation should be one round trip and atomic; it may reject when the store can't answer. It is given 250 ms,
 * and then, as after a rejection or an answer of another type, the process goes on without the store. The message of
 * an error is told in `store.unavailable`, so it must not hold a token. Keys are opaque: a hash of the client, the base
 * URL, the origin and the scopes.
 *
 * To write one, see `memoryTokenStore` and `express-moov-auth/redis`, and run the contract tests in `test/stores`.
 */
export interface TokenStore {
  /** How long a lock lives, in milliseconds. It must exceed the option `tokenTimeoutMs`. */
  readonly lockTtlMs: number;
  /**
   * The token of a key, or the lock to obtain one.
   *
   * @param key - What the token is for.
   * @param known - The generation of the token that the caller has and can't use any more. That one is not given again.
   */
  acquire(key: string, known: TokenGeneration | undefined): Promise<TokenStoreAnswer>;
  /**
   * Stores what the holder of a lock obtained, and ends the lock, unless the key's generation is another by now:
   * a later holder or a revocation was faster.
   *
   * @param lock - From `acquire`.
   * @param token - What was obtained.
   * @param leftMs - How long the token lives from now on, in milliseconds; the store measures it by its own clock.
   * @returns the new generation, or `undefined` when nothing was stored.
   */
  put(lock: TokenLock, token: StoredToken, leftMs: number): Promise<TokenGeneration | undefined>;
  /**
   * Ends a lock without a token; one that is not the caller's any more is left alone.
   *
   * @param lock - From `acquire`.
   * @param failed - Whether Moov gave none, which is then told to who waits. Default `false`.
   */
  release(lock: TokenLock, failed?: boolean): Promise<void>;
  /**
   * Takes the token of a key out, ends the lock, and moves the generation on, so that who is obtaining a token now
   * can't put it.
   *
   * @param key - What the token is for.
   * @returns the token that was taken out, so that it can be revoked at Moov.
   */
  revoke(key: string): Promise<StoredToken | undefined>;
  /**
   * Tells of changes from now on, as far as the store can: who misses one looks again by himself.
   *
   * @param listener - Gets each change.
   * @returns a function that ends it.
   */
  watch(listener: (change: TokenStoreChange) => void): () => void;
}
