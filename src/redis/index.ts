/**
 * A token store in Redis or Valkey, for applications that run as several processes.
 *
 * @module express-moov-auth/redis
 */
import { randomInt, randomUUID } from 'node:crypto';
import type {
  StoredToken,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from '../token-store.js';
import { decrypt, encrypt } from './encryption.js';
import { type RedisTokenStoreOptions, readRedisOptions } from './options.js';
import * as scripts from './scripts.js';
import { message, Subscription } from './subscription.js';

export type {
  EncryptionKey,
  RedisClient,
  RedisCommandOptions,
  RedisSubscriber,
  RedisTokenStoreOptions,
} from './options.js';

/** Longer than any token and any lock: what a generation was compared with is gone before it is. */
const GENERATION_LIFE_MS = 2 * 86_400_000;

/** While it connects, the client queues commands. A command that is queued for longer is dropped. */
const LONGEST_QUEUED_MS = 250;

/** A key that Redis has forgotten begins somewhere else, so that nothing that is remembered of it fits by chance. */
const GENERATIONS = 2 ** 47;

/**
 * A token store in Redis or Valkey (7 or later, also managed ones): all processes with the same client ID, base URL,
 * origin and scopes share one token, which one of them renews for all.
 *
 * Tokens are encrypted with AES-256-GCM; names of keys are hashes. Redis keeps the time: a token's life is that of
 * its key. Pass it as the option `store` of `moovAuth`. Several `moovAuth`s may have the same one.
 *
 * @param options - See {@link RedisTokenStoreOptions}.
 * @returns a store whose second connection closes with the last `MoovAuth` that uses it. The client stays the
 * application's to close.
 * @throws {@link express-moov-auth!MoovConfigError | MoovConfigError} naming the option, what was expected and how to
 * set it.
 */
export function redisTokenStore(options: RedisTokenStoreOptions): TokenStore {
  const { client, encryptionKey: keys, prefix, lockTtlMs } = readRedisOptions(options);
  const channel = `${prefix}changes`;
  const subscription = new Subscription(client, channel);
  const [encryptingKey] = keys;

  function run(script: string, key: string, args: readonly (string | number)[]): Promise<unknown> {
    if (!client.isOpen) return Promise.reject(new Error('The Redis client is not connected: connect() it'));
    subscription.listen();
    const command = ['EVAL', script, '3', ...names(prefix, key), ...args.map(String)];
    return client.sendCommand(command, {
      abortSignal: AbortSignal.timeout(LONGEST_QUEUED_MS),
      typeMapping: {},
    });
  }

  async function acquire(
    key: string,
    known: string | undefined,
    unreadable: { unreadable?: true } = {},
  ): Promise<TokenStoreAnswer> {
    const id = randomUUID();
    const first = randomInt(GENERATIONS);
    const answer = await run(scripts.acquire, key, [known ?? '', id, lockTtlMs, first, GENERATION_LIFE_MS]);
    const [state, generation, leftMs, value]: unknown[] = Array.isArray(answer) ? answer : [];
    if (typeof generation !== 'string') throw unexpected(answer);
    if (state === 'locked') return { state, lock: { key, id, generation }, ...unreadable };
    if (typeof leftMs !== 'number') throw unexpected(answer);
    if (state === 'held') return { state, leftMs: Math.max(0, leftMs), ...unreadable };
    if (state !== 'token' || typeof value !== 'string') throw unexpected(answer);
    const token = decrypt(value, keys, names(prefix, key)[0]);
    if (token === undefined) return acquire(key, generation, { unreadable: true });
    return { state, generation, token, leftMs };
  }

  return Object.freeze({
    lockTtlMs,

    async acquire(key: string, known: string | undefined): Promise<TokenStoreAnswer> {
      const sent = performance.now();
      const answer = await acquire(key, known);
      // The answer's own way took a part of the life that it tells of.
      return answer.state === 'token'
        ? { ...answer, leftMs: answer.leftMs - (performance.now() - sent) }
        : answer;
    },

    async put(lock: TokenLock, token: StoredToken, leftMs: number): Promise<string | undefined> {
      const { key, generation, id } = lock;
      const value = encrypt(token, encryptingKey, names(prefix, key)[0]);
      const stored = message({ kind: 'stored', key });
      const life = Math.max(1, Math.floor(leftMs));
      const answer = await run(scripts.put, key, [
        generation,
        id,
        value,
        life,
        GENERATION_LIFE_MS,
        channel,
        stored,
      ]);
      return typeof answer === 'string' ? answer : undefined;
    },

    async release({ key, id }: TokenLock, failed = false): Promise<void> {
      const told = message({ kind: failed ? 'failed' : 'released', key });
      await run(scripts.release, key, [id, channel, told]);
    },

    async revoke(key: string): Promise<StoredToken | undefined> {
      const first = randomInt(GENERATIONS);
      const revoked = message({ kind: 'revoked', key });
      const value = await run(scripts.revoke, key, [first, GENERATION_LIFE_MS, channel, revoked]);
      return typeof value === 'string' ? decrypt(value, keys, names(prefix, key)[0]) : undefined;
    },

    watch: (listener: (change: TokenStoreChange) => void) => subscription.add(listener),
  });
}

/** The braces put the three into one slot of a Redis Cluster. */
function names(prefix: string, key: string): readonly [token: string, lock: string, generation: string] {
  const name = `${prefix}{${key}}`;
  return [`${name}:token`, `${name}:lock`, `${name}:generation`];
}

function unexpected(answer: unknown): Error {
  return new Error(`Redis gave an answer of type ${typeof answer} where a list was expected`);
}
