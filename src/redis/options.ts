import { createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { didYouMean } from '../config/check-options.js';
import { MoovConfigError } from '../errors.js';
import { describeType } from '../utils/describe-type.js';
import { isClient, unsupportedClient } from './client-kind.js';

/** 32 bytes, as they are or in base64 or hex. */
export type EncryptionKey = Uint8Array | string;

/** What a store asks of a command. */
export interface RedisCommandOptions {
  /** Takes it out of the queue while it has not been sent. */
  abortSignal?: AbortSignal;
  /** Empty, so that texts come as strings whatever the client's own mapping is. */
  typeMapping?: Record<never, never>;
}

/** What {@link redisTokenStore} uses of a client of the `redis` package, version 5 or 6. */
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
  /** A second connection, on which changes are listened to. */
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
   * refused: their commands and second connections work in other ways.
   */
  client: RedisClient;
  /**
   * The key that encrypts tokens, 32 bytes as a Buffer, in base64 or in hex; or several, the first to encrypt and all
   * to decrypt, so that keys rotate. Else `MOOV_TOKEN_KEY`, in which commas divide several. Make one with
   * `openssl rand -base64 32`.
   */
  encryptionKey?: EncryptionKey | readonly EncryptionKey[] | undefined;
  /** What the names of keys and of the channel in Redis begin with. Default `moov:`. */
  prefix?: string | undefined;
  /**
   * How long a process may take to obtain a token before another may try, in milliseconds; more than the option
   * `tokenTimeoutMs` of `moovAuth`. Default 15,000.
   */
  lockTtlMs?: number | undefined;
}

const KEY_BYTES = 32;

const schema = z.strictObject({
  client: z.custom<RedisClient>(isClient),
  encryptionKey: z.unknown().transform((value, context) => {
    const given = Array.isArray(value) ? value : [value];
    const [first, ...others] = given.map(keyOf).filter((key) => key !== undefined);
    if (first !== undefined && others.length + 1 === given.length) return [first, ...others] as const;
    context.addIssue('no key');
    return z.NEVER;
  }),
  prefix: z
    .string()
    .regex(/^[^\s{}]{1,100}$/)
    .default('moov:'),
  lockTtlMs: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .default(15_000),
});

const expected: Readonly<Record<string, string>> = {
  client: 'a client of the package "redis", made by createClient()',
  encryptionKey: `${KEY_BYTES} bytes as a Buffer, in base64 or in hex, or a list of such keys`,
  prefix: 'a string of 1 to 100 characters without white space and braces',
  lockTtlMs: `a whole number of milliseconds from 1 to ${2 ** 31 - 1}`,
};

const inVariable = `${KEY_BYTES} bytes in base64 (43 or 44 characters) or in hex (64), or several such keys with commas between them`;

/** The options, complete and checked. */
export type RedisSettings = z.output<typeof schema>;

/** @throws {@link MoovConfigError} naming the option and what was expected; never the value of a key. */
export function readRedisOptions(options: unknown, env = process.env): RedisSettings {
  if (typeof options !== 'object' || options === null) {
    throw new MoovConfigError(
      `The options of redisTokenStore: expected an object, got ${describeType(options)}.`,
    );
  }
  const given: Record<string, unknown> = { ...options };
  given.encryptionKey ??= env.MOOV_TOKEN_KEY?.split(',').map((key) => key.trim());
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  // An unknown one first: it may be a misspelt one, which is then missing too.
  const { issues } = parsed.error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue?.code === 'unrecognized_keys') {
    throw new MoovConfigError(
      `Unknown option ${issue.keys.map((key) => `"${key}"`).join(', ')} of redisTokenStore. ${didYouMean(issue.keys, Object.keys(expected), 'Options')}`,
    );
  }
  const name = String(issue?.path[0]);
  if (name !== 'encryptionKey') {
    const got = unsupportedClient(given[name]) ?? describeType(given[name]);
    throw new MoovConfigError(`${name}: expected ${expected[name]}; got ${got}.`);
  }
  const where = 'encryptionKey' in options && options.encryptionKey != null ? name : 'MOOV_TOKEN_KEY';
  const key = given[name];
  throw new MoovConfigError(
    key === undefined
      ? `${name}: expected ${expected[name]}; got none. Set it in the options or as MOOV_TOKEN_KEY: openssl rand -base64 32.`
      : `${where}: expected ${where === name ? expected[name] : inVariable}; got ${gotKeys(key)}. Make one: openssl rand -base64 32.`,
  );
}

/** Which of several keys is wrong, and how long it is. */
function gotKeys(value: unknown): string {
  if (!Array.isArray(value)) return gotKey(value);
  const wrong = value.findIndex((key) => keyOf(key) === undefined);
  if (wrong < 0) return 'an empty list';
  return `${gotKey(value[wrong])}${value.length > 1 ? ` at place ${wrong + 1} of ${value.length}` : ''}`;
}

function gotKey(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'string' && value !== '') return `a string of ${value.length} characters`;
  return typeof value === 'number' ? 'a number' : describeType(value);
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
