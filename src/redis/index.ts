/**
 * A token store in Redis or Valkey, for applications that run as several processes.
 *
 * @module express-moov-auth/redis
 */
import { randomInt, randomUUID } from 'node:crypto';
import type {
  ForgottenGeneration,
  StoredToken,
  TakenTokens,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from '../token-store.js';
import { describeType } from '../utils/value-type.js';
import { checkRedis } from './check.js';
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

/** Longer than any token and any lock, so that a generation expires after everything that it is compared with. */
const GENERATION_LIFE_MS = 2 * 86_400_000;

/** While it connects, the client queues commands. A command that stays queued for longer is dropped. */
const LONGEST_QUEUED_MS = 250;

/** A key that Redis has lost starts with another epoch, so that an old generation cannot match by chance. */
const EPOCHS = 1_000_000_000;

/**
 * Creates a token store in Redis or Valkey (7 or later, also managed services). All processes with the same client ID,
 * base URL, origin and scopes share one token, which one of them renews for all.
 *
 * Tokens are encrypted with AES-256-GCM, and Redis keys are hashes. Each Redis key expires with its token. Pass the
 * store as the option `store` of `moovAuth`. Several `moovAuth`s may use the same one.
 *
 * @param options - See {@link RedisTokenStoreOptions}.
 * @returns a store whose second connection closes with the last `MoovAuth` that uses it. The application closes the
 * client itself.
 * @throws {@link express-moov-auth!MoovConfigError | MoovConfigError} naming the option, what was expected and how to
 * set it.
 */
export function redisTokenStore(options: RedisTokenStoreOptions): TokenStore {
  const { client, encryptionKey: keys, prefix, lockTtlMs } = readRedisOptions(options);
  const channel = `${prefix}changes`;
  const subscription = new Subscription(client, channel);
  const [encryptingKey] = keys;

  async function send(command: readonly string[]): Promise<unknown> {
    if (!client.isOpen) throw new Error('The Redis client is not connected. Call its connect().');
    subscription.listen();
    const abortSignal = AbortSignal.timeout(LONGEST_QUEUED_MS);
    return client.sendCommand(command, { abortSignal, typeMapping: {} });
  }

  function run(
    script: string,
    names: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return send(['EVAL', script, String(names.length), ...names, ...args.map(String)]);
  }

  async function acquire(
    key: string,
    known: string | undefined,
    unreadable: { unreadable?: true } = {},
  ): Promise<TokenStoreAnswer> {
    const id = randomUUID();
    const args = [known ?? '', id, lockTtlMs, firstGeneration(), GENERATION_LIFE_MS];
    const answer = await run(scripts.acquire, namesOf(prefix, key), args).catch((error: unknown) => {
      // Redis may have granted the lock anyway, and nobody could use it.
      void release({ key, id }, 'released').catch(() => undefined);
      throw error;
    });
    const [state, generation, leftMs, value]: unknown[] = Array.isArray(answer) ? answer : [];
    if (typeof generation !== 'string') throw unexpected('acquire', answer);
    if (state === 'locked') return { state, lock: { key, id, generation }, ...unreadable };
    if (typeof leftMs !== 'number') throw unexpected('acquire', answer);
    if (state === 'held') return { state, leftMs: Math.max(0, leftMs), ...unreadable };
    if (state !== 'token' || typeof value !== 'string') throw unexpected('acquire', answer);
    const token = decrypt(value, keys, namesOf(prefix, key)[0]);
    if (token === undefined) return acquire(key, generation, { unreadable: true });
    return { state, generation, token, leftMs };
  }

  function release({ key, id }: Pick<TokenLock, 'key' | 'id'>, kind: 'released' | 'failed') {
    return run(scripts.release, namesOf(prefix, key), [id, channel, message({ kind, key })]);
  }

  return Object.freeze({
    lockTtlMs,

    async acquire(key: string, known: string | undefined): Promise<TokenStoreAnswer> {
      const sent = performance.now();
      const answer = await acquire(key, known);
      // A part of the remaining lifetime passed while the answer was in transit.
      return answer.state === 'token'
        ? { ...answer, leftMs: answer.leftMs - (performance.now() - sent) }
        : answer;
    },

    async put(
      lock: TokenLock,
      token: StoredToken,
      leftMs: number,
    ): Promise<string | undefined | ForgottenGeneration> {
      const { key, generation, id } = lock;
      const names = namesOf(prefix, key);
      const value = encrypt(token, encryptingKey, names[0]);
      const stored = message({ kind: 'stored', key });
      const life = Math.max(1, Math.floor(leftMs));
      const first = firstGeneration();
      const answer = await run(scripts.put, names, [
        generation,
        id,
        value,
        life,
        GENERATION_LIFE_MS,
        channel,
        stored,
        first,
      ]);
      if (typeof answer !== 'string') throw unexpected('put', answer);
      if (answer === 'overtaken') return undefined;
      return answer === 'forgotten' ? { state: answer } : answer;
    },

    async release(lock: TokenLock, failed = false): Promise<void> {
      await release(lock, failed ? 'failed' : 'released');
    },

    async revoke(key: string): Promise<StoredToken | undefined | TakenTokens> {
      const names = namesOf(prefix, key);
      const all = [...names, `${prefix}{${key}}:taken`];
      const revoked = message({ kind: 'revoked', key });
      const args = [firstGeneration(), GENERATION_LIFE_MS, channel, revoked];
      const answer = await run(scripts.revoke, all, args);
      const [state, taken]: unknown[] = Array.isArray(answer) ? answer : [];
      if (state !== 'revoked' || typeof taken !== 'string') throw unexpected('revoke', answer);
      if (taken === '') return undefined;
      const values = taken.split(' ');
      const tokens = values
        .map((value) => decrypt(value.replace(/^\d+:/, ''), keys, names[0]))
        .filter((token) => token !== undefined);
      // Values that cannot be decrypted stay for a process that has the key.
      if (tokens.length < values.length) return { tokens, unreadable: true };
      void run(scripts.received, all, [taken]).catch(() => undefined);
      return tokens.length === 1 ? tokens[0] : { tokens };
    },

    watch: (listener: (change: TokenStoreChange) => void) => subscription.add(listener),

    check: () => checkRedis(send, subscription, prefix, channel),
  });
}

/** The braces put all keys of a token into one slot of a Redis Cluster. */
function namesOf(prefix: string, key: string): readonly [token: string, lock: string, generation: string] {
  const name = `${prefix}{${key}}`;
  return [`${name}:token`, `${name}:lock`, `${name}:generation`];
}

/** The first generation of a new epoch; see scripts.ts. */
function firstGeneration(): string {
  return `${randomInt(1, EPOCHS)}000000`;
}

/** What the scripts return, for messages. */
const results = {
  acquire: 'a list of a state, a generation and what belongs to the state',
  put: 'a string',
  revoke: 'a list of a state and the removed token',
};

function unexpected(script: keyof typeof results, answer: unknown): Error {
  return new Error(
    `The script "${script}" of redisTokenStore: expected ${results[script]}; got ${describeType(answer)}. Check whether a proxy or a setting of the client changes Redis's responses`,
  );
}
