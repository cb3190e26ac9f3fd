import { LRUCache } from 'lru-cache';
import type {
  StoredToken,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from '../token-store.js';

interface Held {
  readonly generation: string;
  readonly value: StoredToken;
  readonly endsAt: number;
}

interface Locked {
  readonly id: string;
  /** Of the key, when the first lock since the last write was given. */
  readonly generation: string;
  readonly endsAt: number;
}

/** Options of {@link memoryTokenStore}. */
export interface MemoryTokenStoreOptions {
  /** How many tokens are kept; the least recently used one goes first. Default 10,000. */
  maxTokens?: number;
  /** How long a lock lives, in milliseconds; more than the option `tokenTimeoutMs`. Default 15,000. */
  lockTtlMs?: number;
}

/**
 * A store in the memory of one process: the `moovAuth`s that it is given to share their tokens.
 *
 * @param options - See {@link MemoryTokenStoreOptions}; all have defaults.
 * @returns a store that nothing outside the process can read.
 */
export function memoryTokenStore({
  maxTokens = 10_000,
  lockTtlMs = 15_000,
}: MemoryTokenStoreOptions = {}): TokenStore {
  const tokens = new LRUCache<string, Held>({ max: maxTokens });
  // Apart from the tokens, so that what is being obtained is not evicted before it is there.
  const locks = new Map<string, Locked>();
  const listeners = new Set<(change: TokenStoreChange) => void>();
  let count = 0;

  function tell(key: string, kind: TokenStoreChange['kind']): void {
    for (const listener of [...listeners]) listener({ key, kind });
  }

  return Object.freeze({
    lockTtlMs,

    async acquire(key: string, known: string | undefined): Promise<TokenStoreAnswer> {
      const now = performance.now();
      const held = tokens.get(key);
      if (held !== undefined && held.endsAt > now && held.generation !== known) {
        return { state: 'token', token: held.value, generation: held.generation, leftMs: held.endsAt - now };
      }
      const locked = locks.get(key);
      if (locked !== undefined && locked.endsAt > now) return { state: 'held', leftMs: locked.endsAt - now };
      const id = String(++count);
      const generation = locked?.generation ?? held?.generation ?? String(++count);
      locks.set(key, { id, generation, endsAt: now + lockTtlMs });
      return { state: 'locked', lock: { key, id, generation } };
    },

    async put(lock: TokenLock, value: StoredToken, leftMs: number): Promise<string | undefined> {
      const { key } = lock;
      // Whoever puts first ends the locks of the same generation, and so does a revocation.
      if (locks.get(key)?.generation !== lock.generation) return undefined;
      locks.delete(key);
      const generation = String(++count);
      tokens.set(key, { generation, value, endsAt: performance.now() + leftMs });
      tell(key, 'stored');
      return generation;
    },

    async release({ key, id }: TokenLock, failed = false): Promise<void> {
      if (locks.get(key)?.id !== id) return;
      locks.delete(key);
      tell(key, failed ? 'failed' : 'released');
    },

    async revoke(key: string): Promise<StoredToken | undefined> {
      const held = tokens.get(key);
      tokens.delete(key);
      locks.delete(key);
      tell(key, 'revoked');
      return held?.value;
    },

    watch(listener: (change: TokenStoreChange) => void): () => void {
      // A function of its own for each watch, so that one listener may watch twice.
      const told = (change: TokenStoreChange) => listener(change);
      listeners.add(told);
      return () => {
        listeners.delete(told);
      };
    },
  });
}
