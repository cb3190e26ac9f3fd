import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { maxTokens, milliseconds, ofMilliseconds } from '../config/numbers.js';
import { parseOptions, wording } from '../config/parse-options.js';
import type {
  StoredToken,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from '../token-store.js';
import { ignoreErrors } from '../utils/errors.js';

/** The state of a key: its generation, and the token that was put with it, unless that was revoked. */
interface Entry {
  readonly generation: string;
  readonly value?: StoredToken;
  readonly endsAt: number;
  /** Whether its generation comes from a token or a revocation, and not only from the first lock. */
  readonly isWritten: boolean;
}

interface Locked {
  readonly id: string;
  readonly endsAt: number;
}

/** Options of {@link memoryTokenStore}. */
export interface MemoryTokenStoreOptions {
  /** Maximum number of tokens, 1 to 1,000,000. The least recently used is evicted first. Default 10,000. */
  maxTokens?: number;
  /** How long a lock is valid, in milliseconds; must exceed the option `tokenTimeoutMs`. Default 15,000. */
  lockTtlMs?: number;
}

const schema = z.object({
  maxTokens,
  lockTtlMs: milliseconds.default(15_000).register(wording, ofMilliseconds),
});

/**
 * Creates a store in the memory of one process. All `moovAuth`s with this store share their tokens.
 *
 * @param options - See {@link MemoryTokenStoreOptions}; all have defaults.
 * @returns a store that nothing outside the process can read.
 * @throws {@link MoovConfigError} naming the option and what was expected.
 */
export function memoryTokenStore(options: MemoryTokenStoreOptions = {}): TokenStore {
  const { maxTokens, lockTtlMs } = parseOptions({ name: 'memoryTokenStore' }, schema, options);
  const entries = new LRUCache<string, Entry>({ max: maxTokens });
  /** Locks in the order in which they expire. */
  const locks = new Map<string, Locked>();
  const listeners = new Set<(change: TokenStoreChange) => void>();
  let count = 0;

  function report(key: string, kind: TokenStoreChange['kind']): void {
    for (const listener of [...listeners]) ignoreErrors(() => listener({ key, kind }));
  }

  /** Removes locks that expired without being released. */
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
      // If the entry was evicted, and perhaps created again by another lock, it does not show what happened in between.
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
      // Each watch has its own function, so that one listener may watch twice.
      const watching = (change: TokenStoreChange) => listener(change);
      listeners.add(watching);
      return () => {
        listeners.delete(watching);
      };
    },
  });
}
