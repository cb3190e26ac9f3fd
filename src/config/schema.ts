import type { AxiosInstance, CreateAxiosDefaults } from 'axios';
import type { Request } from 'express';
import { z } from 'zod';
import type { MoovAuthEvent } from '../events.js';
import type { LoggerOption } from '../logging/logger.js';
import type { TokenStore } from '../token-store.js';
import { describeType, isObject } from '../utils/value-type.js';
import type { Secret, SecretOrPair, TransportChoice } from './connection-options.js';
import { maxTokens, milliseconds, ofMilliseconds, ofRetries, retries } from './numbers.js';
import { typeOf, wording } from './parse-options.js';
import { findReservedSetting, reservedSettings } from './reserved-axios-settings.js';
import { secretText } from './secret-text.js';

/** Shorter than any key of Moov, in case a key is in the wrong place. */
const LONGEST_SHOWN_WORD = 19;

/** Half of an API key. */
export const credential = z.union([secretText, z.custom<Exclude<Secret, string>>(isFunction)]);

const publicKey = {
  expected:
    "the API key's public key: a non-empty string without line breaks, quotes around it or blanks at its ends, or a function that returns one or { clientId, clientSecret }",
  variables: ['MOOV_CLIENT_ID', 'MOOV_PUBLIC_KEY'],
};

const secretKey = {
  expected:
    "the API key's secret key: a non-empty string without line breaks, quotes around it or blanks at its ends, or a function that returns one",
  variables: ['MOOV_CLIENT_SECRET', 'MOOV_SECRET_KEY'],
};

/** A function may return both halves. */
const clientId = z.union([secretText, z.custom<Exclude<SecretOrPair, string>>(isFunction)]);

/** The option `logger`, wherever there is one. */
export const logger = z.custom<LoggerOption>(isLogger).optional().register(wording, {
  expected: 'an object with the functions debug, info, warn and error, a function, or false',
});

/** The options that moovAuth() and MoovOAuthClient share. */
const connection = {
  origin: z
    .string()
    .refine(isOrigin)
    .optional()
    .register(wording, {
      expected:
        "a domain registered with the API key as scheme and host alone, such as https://app.example.com (no path, no trailing slash; not localhost with Moov's own base URL)",
      variables: ['MOOV_ORIGIN'],
      got: shownURL,
    }),
  baseURL: z
    .string()
    .refine(isBaseURL)
    .default('https://api.moov.io')
    // Paths begin with a slash.
    .transform((url) => url.replace(/\/+$/, ''))
    .register(wording, {
      expected: 'an https URL without user info, query or fragment (http is for loopback only)',
      variables: ['MOOV_BASE_URL'],
      got: shownURL,
    }),
  apiVersion: z
    .string()
    .regex(/^(v\d{4}\.(01|04|07|10)\.\d{2}|dev|latest)$/)
    .default('v2024.01.00')
    .register(wording, {
      expected: 'vYYYY.QQ.BB with QQ one of 01, 04, 07, 10, such as v2026.10.00',
      variables: ['MOOV_API_VERSION'],
      got: shortWord,
    }),
  clientAuth: z
    .enum(['basic', 'body'])
    .default('basic')
    .register(wording, { expected: "'basic' or 'body'", got: shortWord }),
  transport: z.custom<TransportChoice>(isTransport).default('undici').register(wording, {
    expected: "'undici', 'axios' or a Dispatcher of undici 7 that sends each request once (no RetryAgent)",
    got: shortWord,
  }),
  axios: z
    .custom<CreateAxiosDefaults>(isAxiosConfig)
    .optional()
    .register(wording, {
      expected: `an object of Axios settings without ${reservedSettings.join(', ')}, timeout (use timeoutMs), cancelToken (use signal in calls) and an Authorization header, which this package sets itself`,
      got: reservedSetting,
    }),
};

/** The options of MoovOAuthClient. */
export const oauthSchema = z.object({
  // Each call may pass its own key.
  clientId: clientId.optional().register(wording, publicKey),
  clientSecret: credential.optional().register(wording, secretKey),
  ...connection,
  timeoutMs: milliseconds.default(10_000).register(wording, ofMilliseconds),
  retries: retries.default(2).register(wording, ofRetries),
});

/** The options of moovAuth(). */
export const authSchema = z.object({
  clientId: clientId.clone().register(wording, publicKey),
  clientSecret: credential.clone().register(wording, secretKey),
  ...connection,
  renewWith: z
    .enum(['client_credentials', 'refresh_token'])
    .default('client_credentials')
    .register(wording, { expected: "'client_credentials' or 'refresh_token'", got: shortWord }),
  timeoutMs: milliseconds.default(30_000).register(wording, ofMilliseconds),
  attemptTimeoutMs: milliseconds.default(10_000).register(wording, ofMilliseconds),
  tokenTimeoutMs: milliseconds.default(10_000).register(wording, ofMilliseconds),
  retries: retries.default(3).register(wording, ofRetries),
  retryBudget: z.boolean().default(true).register(wording, { expected: 'true or false' }),
  rateLimit: z
    .union([
      z.literal('adaptive'),
      z.literal(false),
      z.strictObject({ requestsPerSecond: z.number().min(1).max(10_000) }),
    ])
    .default('adaptive')
    .register(wording, {
      expected: "'adaptive', { requestsPerSecond } with a number from 1 to 10,000, or false",
      got: shortWord,
    }),
  platformAccountID: z
    .guid()
    .optional()
    .register(wording, {
      expected: "the platform's own account ID, a UUID",
      variables: ['MOOV_ACCOUNT_ID'],
    }),
  accountID: z
    .union([z.guid(), z.custom<(req: Request) => string | undefined>(isFunction)])
    .optional()
    .register(wording, { expected: 'an account ID, a UUID, or a function of the request that returns one' }),
  maxTokens,
  configure: z
    .custom<(instance: AxiosInstance) => void>(isFunction)
    .optional()
    .register(wording, { expected: 'a function of the Axios instance' }),
  logger,
  store: z.custom<TokenStore>(isStore).optional().register(wording, {
    expected: 'a token store, such as redisTokenStore({ client, encryptionKey })',
  }),
  onEvent: z
    .custom<(event: MoovAuthEvent) => void>(isFunction)
    .optional()
    .register(wording, { expected: 'a function of the event' }),
});

/** Shows a wrong word: with few valid words it is a misspelling, not a secret. */
function shortWord(value: unknown): string {
  const shown = typeof value === 'string' && value !== '' && value.length <= LONGEST_SHOWN_WORD;
  return shown ? JSON.stringify(value) : typeOf(value);
}

/** A URL without user info, query and fragment is no secret; any other text may be one. */
export function shownURL(value: unknown): string {
  if (typeof value !== 'string' || !/^https?:\/\/[\w.:[\]/-]+$/i.test(value) || !URL.canParse(value)) {
    return typeOf(value);
  }
  return value.endsWith('/') ? `${value}, with a slash at its end` : value;
}

function reservedSetting(axios: unknown): string {
  const setting = findReservedSetting(axios);
  return setting === undefined ? typeOf(axios) : `one with ${setting}`;
}

/** Scheme and host only. */
function isOrigin(value: string): boolean {
  return /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value;
}

/** A URL to which paths can be appended and a token can be sent. */
function isBaseURL(value: string): boolean {
  // Paths are appended as text, so it must not contain what a URL parser would tolerate: white space, a lone "?".
  if (!/^https?:\/\/[^\s?#\\]+$/i.test(value) || !URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  const safe = protocol === 'https:' || isLoopback(hostname);
  return safe && username === '' && password === '';
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function isAxiosConfig(value: unknown): boolean {
  return describeType(value) === 'an object' && findReservedSetting(value) === undefined;
}

/** Dispatchers of another copy of undici are accepted too. One that repeats requests by itself is not. */
function isTransport(value: unknown): boolean {
  if (value === 'undici' || value === 'axios') return true;
  return hasFunctions(value, ['dispatch']) && value.constructor.name !== 'RetryAgent';
}

function isStore(value: unknown): boolean {
  return (
    hasFunctions(value, ['acquire', 'put', 'release', 'revoke', 'watch']) &&
    typeof Reflect.get(value, 'lockTtlMs') === 'number'
  );
}

function isLogger(value: unknown): boolean {
  return value === false || isFunction(value) || hasFunctions(value, ['debug', 'info', 'warn', 'error']);
}

function hasFunctions(value: unknown, names: readonly string[]): value is object {
  return isObject(value) && names.every((name) => isFunction(Reflect.get(value, name)));
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
