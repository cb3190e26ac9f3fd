import { LRUCache } from 'lru-cache';
import type {
  StoredToken,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from '../token-store.js';
import { ignoreErrors } from '../utils/errors.js';

/** What is known of a key: its generation, and the token that was put with it, unless that was revoked. */
interface Entry {
  readonly generation: string;
  readonly value?: StoredToken;
  readonly endsAt: number;
  /** Whether a token or a revocation gave it its generation, and not just the first lock. */
  readonly isWritten: boolean;
}

interface Locked {
  readonly id: string;
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
  const entries = new LRUCache<string, Entry>({ max: maxTokens });
  /** Those given first end first. */
  const locks = new Map<string, Locked>();
  const listeners = new Set<(change: TokenStoreChange) => void>();
  let count = 0;

  function report(key: string, kind: TokenStoreChange['kind']): void {
    for (const listener of [...listeners]) ignoreErrors(() => listener({ key, kind }));
  }

  /** A lock that nobody has released leaves nothing behind. */
  function dropEndedLocks(now: number): void {
    for (const [key, { endsAt }] of locks) {
      if (endsAt > now) return;
      locks.delete(key);
    }
  }

  return Object.freeze({
    lockTtlMs,

    async acquire(key: string, known: string | undefined): Promise<TokenStoreAnswer> {
      const now = performance.now();
      dropEndedLocks(now);
      const entry = entries.get(key);
      if (entry?.value !== undefined && entry.endsAt > now && entry.generation !== known) {
        const { value, generation, endsAt } = entry;
        return { state: 'token', token: value, generation, leftMs: endsAt - now };
      }
      const locked = locks.get(key);
      if (locked !== undefined) return { state: 'held', leftMs: locked.endsAt - now };
      const id = String(++count);
      const generation = entry?.generation ?? id;
      if (entry === undefined) entries.set(key, { generation, endsAt: now, isWritten: false });
      locks.set(key, { id, endsAt: now + lockTtlMs });
      return { state: 'locked', lock: { key, id, generation } };
    },

    async put({ key, id, generation }: TokenLock, value: StoredToken, leftMs: number) {
      if (locks.get(key)?.id === id) locks.delete(key);
      const entry = entries.get(key);
      // An entry that was evicted, and perhaps made anew by another lock, proves nothing that came between.
      if (entry?.isWritten && entry.generation !== generation) return undefined;
      const next = String(++count);
      entries.set(key, { generation: next, value, endsAt: performance.now() + leftMs, isWritten: true });
      report(key, 'stored');
      return next;
    },

    async release({ key, id }: TokenLock, failed = false): Promise<void> {
      if (locks.get(key)?.id !== id) return;
      locks.delete(key);
      report(key, failed ? 'failed' : 'released');
    },

    async revoke(key: string): Promise<StoredToken | undefined> {
      const entry = entries.get(key);
      entries.set(key, { generation: String(++count), endsAt: performance.now(), isWritten: true });
      locks.delete(key);
      report(key, 'revoked');
      return entry?.value;
    },

    watch(listener: (change: TokenStoreChange) => void): () => void {
      // A function of its own for each watch, so that one listener may watch twice.
      const watching = (change: TokenStoreChange) => listener(change);
      listeners.add(watching);
      return () => {
        listeners.delete(watching);
      };
    },
  });
}
