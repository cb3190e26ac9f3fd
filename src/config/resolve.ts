import type { z } from 'zod';
import { MoovConfigError, MoovUnavailableError } from '../errors.js';
import { describeType, isObject } from '../utils/value-type.js';
import { assertKnown, type Subject } from './check-options.js';
import type { Credentials, MoovOAuthOptions, Secret, SecretOrPair } from './connection-options.js';
import type { MoovAuthOptions } from './options.js';
import { missingOptions, parseOptions, withVariables, wrongOption } from './parse-options.js';
import { connectionSettings } from './reserved-axios-settings.js';
import { authSchema, credential, isLoopback, oauthSchema } from './schema.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Options whose key is hidden in a function. */
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
  const settings = resolve({ name: 'moovAuth' }, authSchema, options, env);
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
  return hideCredentials(resolve({ name: 'MoovOAuthClient' }, oauthSchema, options, env));
}

/** Fills in the variables, and checks each option by its schema, and those that depend on each other. */
function resolve<Schema extends typeof authSchema | typeof oauthSchema>(
  subject: Subject,
  schema: Schema,
  options: object,
  env: Environment,
): z.output<Schema> {
  if (describeType(options) !== 'an object') return parseOptions(subject, schema, options);
  // First, as a misspelt option is missing too.
  assertKnown(subject, options, Object.keys(schema.shape));
  const given = withVariables(schema, options, env);
  // A function for the public key may return both halves. That is known only when it is called.
  if (typeof given.get('clientId') === 'function' && !given.has('clientSecret')) {
    given.set('clientSecret', () => undefined);
  }
  const missing = Object.keys(schema.shape).filter(
    (name) => !given.has(name) && isRequired(name, schema, given),
  );
  if (missing.length > 1) throw missingOptions(subject, schema, missing);
  const settings = parseOptions(subject, schema, Object.fromEntries(given));
  requireOrigin(settings);
  refuseConnectionSettings(settings);
  return settings;
}

function isRequired(name: string, { shape }: z.ZodObject, given: ReadonlyMap<string, unknown>): boolean {
  if (name === 'origin') return isOfMoov(given.get('baseURL') ?? shape.baseURL?.parse(undefined));
  return shape[name]?.safeParse(undefined).success === false;
}

function hideCredentials<
  Options extends { clientId?: SecretOrPair | undefined; clientSecret?: Secret | undefined },
>(options: Options): WithHiddenCredentials<Options> {
  const { clientId, clientSecret, ...rest } = options;
  return {
    ...rest,
    clientId: async () => half('clientId', await read('clientId', clientId)),
    async credentials() {
      const value = await read('clientId', clientId);
      const pair = isObject(value) && 'clientSecret' in value;
      return {
        clientId: half('clientId', value),
        clientSecret: half('clientSecret', pair ? value : await read('clientSecret', clientSecret)),
      };
    },
  };
}

type Half = 'clientId' | 'clientSecret';

/** Calls the function of an option; for each token request. */
async function read(name: Half, secret: SecretOrPair | undefined): Promise<unknown> {
  try {
    return typeof secret === 'function' ? await secret() : secret;
  } catch (cause) {
    const code = 'ERR_MOOV_KEY_UNREADABLE';
    throw new MoovUnavailableError(`${name}: its function failed`, { code, cause });
  }
}

/** One half of a key, which may come with the other. */
function half(name: Half, value: unknown): string {
  const given: unknown = isObject(value) ? Reflect.get(value, name) : value;
  if (typeof given === 'string' && credential.safeParse(given).success) return given;
  throw wrongOption(authSchema, name, given);
}

/** Moov answers 401 to requests without a registered domain. */
function requireOrigin({ origin, baseURL }: z.output<typeof oauthSchema>): void {
  if (!isOfMoov(baseURL)) return;
  if (origin === undefined) throw wrongOption(authSchema, 'origin', origin);
  if (isLoopback(new URL(origin).hostname))
    throw wrongOption(authSchema, 'origin', origin, 'a loopback host');
}

function isOfMoov(baseURL: unknown): boolean {
  return (
    typeof baseURL === 'string' &&
    URL.canParse(baseURL) &&
    /(^|\.)moov\.io\.?$/.test(new URL(baseURL).hostname)
  );
}

/** With a Dispatcher, these settings would have no effect. */
function refuseConnectionSettings({ transport, axios = {} }: z.output<typeof oauthSchema>): void {
  const found = typeof transport === 'string' ? undefined : connectionSettings.find((name) => axios[name]);
  if (found === undefined) return;
  throw new MoovConfigError(
    `axios: connection settings (found ${found}) cannot be combined with a Dispatcher as "transport". Configure them on the Dispatcher.`,
  );
}
