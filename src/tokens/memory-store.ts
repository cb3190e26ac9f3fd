import { LRUCache } from 'lru-cache';
import type { StoredToken, TokenLock, TokenStore, TokenStoreAnswer, TokenStoreChange } from './store.js';

interface Entry {
  generation: number;
  token: { value: StoredToken; endsAt: number } | undefined;
  lock: { id: string; endsAt: number } | undefined;
}

/** Options of {@link memoryTokenStore}. */
export interface MemoryTokenStoreOptions {
  /** How many tokens are kept; the least recently used one goes first. Default 10,000. */
  maxTokens?: number;
  /** How long a lock lives, in milliseconds; more than the option `tokenTimeoutMs`. Default 15,000. */
  lockTtlMs?: number;
}

/**
 * The store that `moovAuth` has by default: tokens stay in the process. Given to several, they share their tokens.
 *
 * @param options - See {@link MemoryTokenStoreOptions}; all have defaults.
 * @returns a store that nothing outside the process can read.
 */
export function memoryTokenStore({
  maxTokens = 10_000,
  lockTtlMs = 15_000,
}: MemoryTokenStoreOptions = {}): TokenStore {
  const entries = new LRUCache<string, Entry>({ max: maxTokens });
  const listeners = new Set<(change: TokenStoreChange) => void>();
  // One count for all keys, so that a key that was evicted does not begin at a generation it has had.
  let count = 0;

  function entryOf(key: string): Entry {
    const known = entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = { generation: ++count, token: undefined, lock: undefined };
    entries.set(key, entry);
    return entry;
  }

  function tell(key: string, kind: TokenStoreChange['kind']): void {
    for (const listener of [...listeners]) listener({ key, kind });
  }

  return Object.freeze({
    lockTtlMs,

    async acquire(key: string, known: string | undefined): Promise<TokenStoreAnswer> {
      const now = performance.now();
      const entry = entryOf(key);
      const generation = String(entry.generation);
      if (entry.token !== undefined && entry.token.endsAt > now && generation !== known) {
        return { state: 'token', token: entry.token.value, generation, leftMs: entry.token.endsAt - now };
      }
      if (entry.lock !== undefined && entry.lock.endsAt > now) {
        return { state: 'held', leftMs: entry.lock.endsAt - now };
      }
      const id = String(++count);
      entry.lock = { id, endsAt: now + lockTtlMs };
      return { state: 'locked', lock: { key, id, generation } };
    },

    async put(lock: TokenLock, value: StoredToken, leftMs: number): Promise<string | undefined> {
      const entry = entryOf(lock.key);
      if (String(entry.generation) !== lock.generation) return undefined;
      entry.generation = ++count;
      entry.token = { value, endsAt: performance.now() + leftMs };
      if (entry.lock?.id === lock.id) entry.lock = undefined;
      tell(lock.key, 'stored');
      return String(entry.generation);
    },

    async release(lock: TokenLock, failed = false): Promise<void> {
      const entry = entries.get(lock.key);
      if (entry?.lock?.id !== lock.id) return;
      entry.lock = undefined;
      tell(lock.key, failed ? 'failed' : 'released');
    },

    async revoke(key: string): Promise<StoredToken | undefined> {
      const entry = entryOf(key);
      const { token } = entry;
      entry.generation = ++count;
      entry.token = undefined;
      entry.lock = undefined;
      tell(key, 'revoked');
      return token?.value;
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
