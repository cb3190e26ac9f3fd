import { createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { assertKnown, wrongValue } from '../config/check-options.js';
import { milliseconds, ofMilliseconds } from '../config/numbers.js';
import { gotInList, parseOptions, typeOf, wording } from '../config/parse-options.js';
import { MoovConfigError } from '../errors.js';
import { isClient, unsupportedClient } from './client-kind.js';

/** 32 bytes, or their base64 or hex form. */
export type EncryptionKey = Uint8Array | string;

/** Options of a command. */
export interface RedisCommandOptions {
  /** Removes it from the queue if it has not been sent. */
  abortSignal?: AbortSignal;
  /** Empty, so that Redis strings arrive as JavaScript strings, whatever the client's own mapping is. */
  typeMapping?: Record<never, never>;
}

/** The members of a `redis` client (version 5 or 6) that {@link redisTokenStore} uses. */
export interface RedisClient {
  /** Whether `connect()` was called, and `close()` or `destroy()` was not. */
  readonly isOpen: boolean;
  /**
   * Sends one command.
   *
   * @param args - The command's name and its arguments.
   * @param options - See {@link RedisCommandOptions}.
   */
  sendCommand(args: readonly string[], options?: RedisCommandOptions): Promise<unknown>;
  /** A second connection, for pub/sub. */
  duplicate(): RedisSubscriber;
}

/** The second connection of a {@link RedisClient}. */
export interface RedisSubscriber {
  /**
   * Registers a listener.
   *
   * @param event - The failures of the connection, which must be listened to.
   * @param listener - Gets each failure.
   */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Connects; later it reconnects by itself. */
  connect(): Promise<unknown>;
  /**
   * Listens to a channel.
   *
   * @param channel - Its name.
   * @param listener - Gets each message.
   */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  /** Lets the process end while it is connected. */
  unref(): void;
  /** Closes the connection at once. */
  destroy(): void;
}

/** Options of {@link redisTokenStore}. */
export interface RedisTokenStoreOptions {
  /**
   * A client of the `redis` package (node-redis), which the application connects and closes. It is used for scripts,
   * and duplicated for pub/sub. Clients made by `createCluster()`, `createSentinel()` and `createClientPool()` are
   * refused, because their commands and second connections work differently.
   */
  client: RedisClient;
  /**
   * The key that encrypts tokens, 32 bytes as a Buffer, in base64 or in hex; or several keys, for rotation: the first
   * encrypts, all decrypt. Default: `MOOV_TOKEN_KEY`, with commas between several keys. Generate one with
   * `openssl rand -base64 32`.
   */
  encryptionKey?: EncryptionKey | readonly EncryptionKey[] | undefined;
  /** The prefix of the keys and of the channel in Redis. Default `moov:`. */
  prefix?: string | undefined;
  /**
   * How long a process may take to request a token before another one may try, in milliseconds. Must exceed the option
   * `tokenTimeoutMs` of `moovAuth`. Default 15,000.
   */
  lockTtlMs?: number | undefined;
}

const KEY_BYTES = 32;
const VARIABLE = 'MOOV_TOKEN_KEY';

const schema = z.object({
  client: z.custom<RedisClient>(isClient).register(wording, {
    expected: 'a client of the package "redis", created by createClient()',
    got: (value) => unsupportedClient(value) ?? typeOf(value),
  }),
  encryptionKey: z
    .unknown()
    .transform((value, context) => {
      const given = Array.isArray(value) ? value : [value];
      const [first, ...others] = given.map(keyOf).filter((key) => key !== undefined);
      if (first !== undefined && others.length + 1 === given.length) return [first, ...others] as const;
      context.addIssue('no key');
      return z.NEVER;
    })
    .register(wording, {
      expected: `${KEY_BYTES} bytes as a Buffer, in base64 or in hex (openssl rand -base64 32), or a list of such keys`,
      variables: [VARIABLE],
      got: gotKeys,
    }),
  prefix: z
    .string()
    .regex(/^[^\s{}]{1,100}$/)
    .default('moov:')
    .register(wording, { expected: 'a string of 1 to 100 characters without white space and braces' }),
  lockTtlMs: milliseconds.default(15_000).register(wording, ofMilliseconds),
});

/** The options, complete and checked. */
export type RedisSettings = z.output<typeof schema>;

/** @throws {@link MoovConfigError} naming the option and what was expected; never the value of a key. */
export function readRedisOptions(options: unknown): RedisSettings {
  const subject = { name: 'redisTokenStore' };
  assertKnown(subject, options, Object.keys(schema.shape));
  const encryptionKey = Reflect.get(options, 'encryptionKey') ?? readVariable(process.env[VARIABLE]);
  return parseOptions(subject, schema, { ...options, encryptionKey });
}

function readVariable(text: string | undefined): string[] | undefined {
  const keys = text?.split(',').map((key) => key.trim());
  if (keys?.every((key) => keyOf(key) !== undefined) !== false) return keys;
  const expected = `${KEY_BYTES} bytes in base64 (43 or 44 characters) or in hex (64), or several such keys with commas between them (openssl rand -base64 32)`;
  throw new MoovConfigError(wrongValue(VARIABLE, expected, gotKeys(keys?.length === 1 ? keys[0] : keys)));
}

/** Describes which of several keys is wrong, and its length. */
function gotKeys(value: unknown): string {
  return gotInList(value, (key) => keyOf(key) !== undefined, gotKey);
}

function gotKey(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'string' && value !== '') return `a string of ${value.length} characters`;
  return typeOf(value);
}

function keyOf(value: unknown): KeyObject | undefined {
  const bytes = typeof value === 'string' ? decoded(value) : value;
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES) return undefined;
  return createSecretKey(bytes);
}

function decoded(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  return undefined;
}
