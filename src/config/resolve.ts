import type { AxiosInstance, CreateAxiosDefaults } from 'axios';
import type { Request } from 'express';
import { z } from 'zod';
import { MoovConfigError, MoovUnavailableError } from '../errors.js';
import type { MoovAuthEvent, MoovLogger } from '../events.js';
import type { TokenStore } from '../token-store.js';
import { clashWith, isTransport, type TransportChoice } from '../transports/choice.js';
import { describeType } from '../utils/describe-type.js';
import { isBaseURL, isLoopback, isOrigin } from '../utils/urls.js';
import { didYouMean } from './check-options.js';
import type { Credentials, MoovAuthOptions, MoovOAuthOptions, Secret } from './options.js';
import { findReservedSetting, reservedSettings } from './reserved-axios-settings.js';

const LONGEST_MS = 2 ** 31 - 1;
const milliseconds = z.int().min(1).max(LONGEST_MS);
const credential = z.union([
  z.string().regex(/^[^\p{Cc}]+$/u),
  z.custom<() => string | Promise<string>>(isFunction),
]);

const connection = {
  clientId: credential,
  clientSecret: credential,
  origin: z.string().refine(isOrigin).optional(),
  baseURL: z.string().refine(isBaseURL).default('https://api.moov.io'),
  apiVersion: z
    .string()
    .regex(/^(v\d{4}\.(01|04|07|10)\.\d{2}|dev|latest)$/)
    .default('v2024.01.00'),
  clientAuth: z.enum(['basic', 'body']).default('basic'),
  transport: z.custom<TransportChoice>(isTransport).default('undici'),
  axios: z
    .custom<CreateAxiosDefaults>(
      (value) => describeType(value) === 'an object' && findReservedSetting(value) === undefined,
    )
    .optional(),
};

const retries = z.int().min(0).max(10);

const oauthSchema = z.strictObject({
  ...connection,
  // Each call may bring its own key.
  clientId: credential.optional(),
  clientSecret: credential.optional(),
  timeoutMs: milliseconds.default(10_000),
  retries: retries.default(2),
});

const authSchema = z.strictObject({
  ...connection,
  renewWith: z.enum(['client_credentials', 'refresh_token']).default('client_credentials'),
  timeoutMs: milliseconds.default(30_000),
  attemptTimeoutMs: milliseconds.default(10_000),
  tokenTimeoutMs: milliseconds.default(10_000),
  retries: retries.default(3),
  retryBudget: z.boolean().default(true),
  platformAccountID: z.guid().optional(),
  accountID: z.union([z.guid(), z.custom<(req: Request) => string | undefined>(isFunction)]).optional(),
  maxTokens: z.int().min(1).max(1_000_000).default(10_000),
  configure: z.custom<(instance: AxiosInstance) => void>(isFunction).optional(),
  logger: z.custom<MoovLogger>(isLogger).optional(),
  store: z.custom<TokenStore>(isStore).optional(),
  onEvent: z.custom<(event: MoovAuthEvent) => void>(isFunction).optional(),
});

const positive = `a whole number of milliseconds from 1 to ${LONGEST_MS}`;

/** What each option must be, and the variables that set it. */
const expected: Readonly<Record<keyof MoovAuthOptions, { what: string; env?: readonly string[] }>> = {
  clientId: {
    what: "the API key's public key: a non-empty string without line breaks or other control characters, or a function that returns one",
    env: ['MOOV_CLIENT_ID', 'MOOV_PUBLIC_KEY'],
  },
  clientSecret: {
    what: "the API key's secret key: a non-empty string without line breaks or other control characters, or a function that returns one",
    env: ['MOOV_CLIENT_SECRET', 'MOOV_SECRET_KEY'],
  },
  origin: {
    what: "a domain registered with the API key as scheme and host alone, such as https://app.example.com (no path, no trailing slash; not localhost with Moov's own base URL)",
    env: ['MOOV_ORIGIN'],
  },
  baseURL: {
    what: 'an https URL without user info, query or fragment (http is for loopback only)',
    env: ['MOOV_BASE_URL'],
  },
  apiVersion: {
    what: 'vYYYY.QQ.BB with QQ one of 01, 04, 07, 10, such as v2026.10.00',
    env: ['MOOV_API_VERSION'],
  },
  clientAuth: { what: "'basic' or 'body'" },
  renewWith: { what: "'client_credentials' or 'refresh_token'" },
  timeoutMs: { what: positive },
  attemptTimeoutMs: { what: positive },
  tokenTimeoutMs: { what: positive },
  retries: { what: 'a whole number from 0 to 10' },
  retryBudget: { what: 'true or false' },
  platformAccountID: { what: "the platform's own account ID, a UUID", env: ['MOOV_ACCOUNT_ID'] },
  accountID: { what: 'an account ID, a UUID, or a function of the request that returns one' },
  maxTokens: { what: 'a whole number from 1 to 1,000,000' },
  transport: {
    what: "'undici', 'axios' or a Dispatcher of undici 7 that sends each request once (no RetryAgent)",
  },
  axios: {
    what: `an object of Axios settings without ${reservedSettings.join(', ')}, timeout (use timeoutMs) and an Authorization header, which this package sets itself`,
  },
  configure: { what: 'a function of the Axios instance' },
  logger: { what: 'an object with the functions debug, info, warn and error' },
  store: { what: 'a token store, such as redisTokenStore({ client, encryptionKey }) makes' },
  onEvent: { what: 'a function of the event' },
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Options with the key moved out of sight, into a function. */
type WithHiddenCredentials<Options> = Omit<Options, 'clientId' | 'clientSecret'> & {
  clientId: () => Promise<string>;
  credentials: () => Promise<Credentials>;
};

/** The options of {@link moovAuth}, complete and checked. */
export type Settings = WithHiddenCredentials<z.output<typeof authSchema>>;

/** The options of {@link MoovOAuthClient}, complete and checked. */
export type OAuthSettings = WithHiddenCredentials<z.output<typeof oauthSchema>>;

/** @throws {@link MoovConfigError} naming the option, what was expected and the variable that sets it. */
export function readAuthOptions(options: MoovAuthOptions, env: Environment = process.env): Settings {
  const settings = validate(authSchema, options, env);
  const { store, tokenTimeoutMs } = settings;
  if (store !== undefined && !(store.lockTtlMs > tokenTimeoutMs)) {
    throw new MoovConfigError(
      `store: expected a lockTtlMs of more than tokenTimeoutMs (${tokenTimeoutMs}), so that a lock outlives the request it is for; got ${store.lockTtlMs}.`,
    );
  }
  return hideCredentials(settings);
}

/** @throws {@link MoovConfigError} naming the option, what was expected and the variable that sets it. */
export function readOAuthOptions(options: MoovOAuthOptions, env: Environment = process.env): OAuthSettings {
  return hideCredentials(validate(oauthSchema, options, env));
}

function validate<Schema extends z.ZodObject>(
  schema: Schema,
  options: unknown,
  env: Environment,
): z.output<Schema> {
  if (typeof options !== 'object' || options === null) {
    throw new MoovConfigError(`options: expected an object, got ${describeType(options)}.`);
  }
  const given: Record<string, unknown> = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  for (const [name, { env: variables = [] }] of Object.entries(expected)) {
    if (name in given || !(name in schema.shape)) continue;
    const variable = variables.find((candidate) => env[candidate]);
    if (variable !== undefined) given[name] = env[variable];
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  // An unknown one first: it may be a misspelt one, which is then missing too.
  const { issues } = parsed.error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  throw wrongOption(issue, given, Object.keys(schema.shape));
}

/** Names the option and what was expected of it; seldom the value, which may be a secret put in the wrong place. */
function wrongOption(
  issue: z.core.$ZodIssue | undefined,
  given: Record<string, unknown>,
  known: readonly string[],
): MoovConfigError {
  if (issue?.code === 'unrecognized_keys') {
    return new MoovConfigError(
      `Unknown option ${issue.keys.map((key) => `"${key}"`).join(', ')}. ${didYouMean(issue.keys, known, 'Options')}`,
    );
  }
  const name = String(issue?.path[0]);
  const { what, env } = isOptionName(name) ? expected[name] : { what: 'something else' };
  const value = given[name];
  const bypass = name === 'axios' ? findReservedSetting(value) : undefined;
  const got = bypass === undefined ? kindOf(name, value) : `one with ${bypass}`;
  const how = env === undefined ? '' : ` Set it in the options or as ${env.join(' or ')}.`;
  return new MoovConfigError(`${name}: expected ${what}; got ${got}.${how}`);
}

function hideCredentials<
  Options extends {
    clientId?: Secret | undefined;
    clientSecret?: Secret | undefined;
    baseURL: string;
    origin?: string | undefined;
    transport: TransportChoice;
    axios?: CreateAxiosDefaults | undefined;
  },
>(options: Options): WithHiddenCredentials<Options> {
  const { clientId, clientSecret, ...rest } = options;
  requireOrigin(rest.origin, rest.baseURL);
  const clash = clashWith(rest.transport, rest.axios);
  if (clash !== undefined) {
    throw new MoovConfigError(
      `axios: expected none of a connection's settings beside a Dispatcher as transport; got one with ${clash}. Give it to the Dispatcher.`,
    );
  }
  return {
    ...rest,
    baseURL: rest.baseURL.replace(/\/+$/, ''),
    clientId: () => current('clientId', clientId),
    credentials: async () => ({
      clientId: await current('clientId', clientId),
      clientSecret: await current('clientSecret', clientSecret),
    }),
  };
}

async function current(name: 'clientId' | 'clientSecret', secret: Secret | undefined): Promise<string> {
  let value: unknown;
  try {
    value = typeof secret === 'function' ? await secret() : secret;
  } catch (cause) {
    throw new MoovUnavailableError(`${name}: its function failed`, {
      code: 'ERR_MOOV_KEY_UNREADABLE',
      cause,
    });
  }
  if (typeof value === 'string' && credential.safeParse(value).success) return value;
  const { what, env = [] } = expected[name];
  throw new MoovConfigError(
    `${name}: expected ${what}; got ${kindOf(name, value)}. Set it in the options or as ${env.join(' or ')}.`,
  );
}

function requireOrigin(origin: string | undefined, baseURL: string): void {
  if (!/(^|\.)moov\.io\.?$/.test(new URL(baseURL).hostname)) return;
  if (origin !== undefined && !isLoopback(new URL(origin).hostname)) return;
  throw new MoovConfigError(
    `origin: expected ${expected.origin.what}; got ${origin === undefined ? 'none' : 'a loopback host'}. Set it in the options or as MOOV_ORIGIN.`,
  );
}

function isOptionName(name: string): name is keyof MoovAuthOptions {
  return name in expected;
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

function isLogger(value: unknown): boolean {
  return ['debug', 'info', 'warn', 'error'].every(
    (level) => typeof value === 'object' && value !== null && isFunction(Reflect.get(value, level)),
  );
}

function isStore(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('lockTtlMs' in value)) return false;
  const operations = ['acquire', 'put', 'release', 'revoke', 'watch'];
  return (
    typeof value.lockTtlMs === 'number' && operations.every((name) => isFunction(Reflect.get(value, name)))
  );
}

/** Options that are one of a few words: a wrong one is a slip, which is found sooner when it is shown. */
const words: readonly string[] = ['clientAuth', 'renewWith', 'transport', 'apiVersion'];

/** Shorter than any key of Moov's, should one be in the wrong place. */
const SHORTEST_UNTOLD = 20;

/** Numbers are told as they are, as what is wrong with one is its value; but a number may also be a key. */
function kindOf(name: string, value: unknown): string {
  if (typeof value === 'number')
    return /Ms$|^retries$|^maxTokens$/.test(name) ? describeType(value) : 'a number';
  const tellable =
    typeof value === 'string' && value !== '' && value.length < SHORTEST_UNTOLD && words.includes(name);
  return tellable ? JSON.stringify(value) : describeType(value);
}
