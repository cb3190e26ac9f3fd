import { assertKnown, wrongValue } from '../config/check-options.js';
import { describeType } from '../utils/value-type.js';
import { checkSeed, type SandboxSeed } from './seed.js';

/**
 * Gets one line for each request, when it has been answered.
 *
 * @param line - Without a line end. Control characters are escaped, and secrets masked.
 */
export type SandboxLog = (line: string) => void;

/** Settings of {@link createMoovSandbox}, each with a default. A name that is not listed here is refused. */
export interface MoovSandboxOptions {
  /** The API key's public half. Default `sandbox-public-key`. */
  readonly clientId?: string | undefined;
  /** The API key's secret half. Default `sandbox-secret-key`. */
  readonly clientSecret?: string | undefined;
  /**
   * The origins registered with the API key, scheme and host only. Default `['https://app.example.com']`.
   * As at Moov, `localhost` can't be registered; for a page on this machine there is `http://127.0.0.1:PORT`.
   */
  readonly origins?: readonly string[] | undefined;
  /** The platform's own account, which exists from the start. Default `b1d2c3a4-0000-4000-8000-000000000001`. */
  readonly platformAccountID?: string | undefined;
  /**
   * What `expires_in` means: `'timestamp'` (default), the Unix time in seconds at which the token ends, as Moov's
   * newer reference says, or `'seconds'`, the seconds it lives, as RFC 6749 section 5.1 says.
   */
  readonly expiresIn?: 'timestamp' | 'seconds' | undefined;
  /** How long an access token lives, in whole seconds. Default 3,600. */
  readonly tokenLifeSeconds?: number | undefined;
  /** Whether responses carry a `refresh_token` (RFC 6749 section 4.4.3 says they should not). Default `true`. */
  readonly refreshTokens?: boolean | undefined;
  /** Answers 429 to every request above this many within one second. Default: no limit. */
  readonly rateLimit?:
    | {
        /** A whole number, at least 1. */
        readonly requestsPerSecond: number;
      }
    | undefined;
  /** Whether access tokens are random strings, as older ones of Moov's, instead of JWTs. Default `false`. */
  readonly opaqueTokens?: boolean | undefined;
  /** The signing secret of webhooks. Default `sandbox-webhook-secret`. */
  readonly webhookSecret?: string | undefined;
  /** The content at the start and after each `reset`. Default: the platform's own account, with an empty wallet. */
  readonly seed?: SandboxSeed | undefined;
  /** Whether to print one line for each request, or a function that gets each line. Default `false`. */
  readonly log?: boolean | SandboxLog | undefined;
}

/** Options with the defaults filled in. */
export interface Settings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly origins: readonly string[];
  readonly platformAccountID: string;
  readonly expiresIn: 'timestamp' | 'seconds';
  readonly tokenLifeSeconds: number;
  readonly refreshTokens: boolean;
  readonly requestsPerSecond: number;
  readonly opaqueTokens: boolean;
  readonly webhookSecret: string;
  readonly seed: SandboxSeed;
  readonly log: SandboxLog | undefined;
}

// An object rather than a list, so that the compiler asks for every option.
const known: Record<keyof MoovSandboxOptions, true> = {
  clientId: true,
  clientSecret: true,
  origins: true,
  platformAccountID: true,
  expiresIn: true,
  tokenLifeSeconds: true,
  refreshTokens: true,
  rateLimit: true,
  opaqueTokens: true,
  webhookSecret: true,
  seed: true,
  log: true,
};

/** @throws TypeError for an unknown option or one that can't work, naming it and what was expected. */
export function resolveOptions(options: MoovSandboxOptions): Settings {
  assertKnown({ name: 'createMoovSandbox', Failure: TypeError }, options, Object.keys(known));
  const { origins = ['https://app.example.com'] } = options;
  expect(
    Array.isArray(origins) && origins.length > 0 && origins.every(isRegistrable),
    'origins',
    "a list of origins such as 'https://app.example.com': scheme and host only, and not localhost",
    origins,
  );
  const settings: Settings = {
    clientId: options.clientId ?? 'sandbox-public-key',
    clientSecret: options.clientSecret ?? 'sandbox-secret-key',
    origins: [...origins],
    platformAccountID: options.platformAccountID ?? 'b1d2c3a4-0000-4000-8000-000000000001',
    expiresIn: options.expiresIn ?? 'timestamp',
    tokenLifeSeconds: options.tokenLifeSeconds ?? 3600,
    refreshTokens: options.refreshTokens ?? true,
    requestsPerSecond: options.rateLimit?.requestsPerSecond ?? Number.POSITIVE_INFINITY,
    opaqueTokens: options.opaqueTokens ?? false,
    webhookSecret: options.webhookSecret ?? 'sandbox-webhook-secret',
    seed: checkSeed(options.seed ?? {}),
    log: options.log === true ? (line) => console.log(line) : options.log || undefined,
  };
  for (const name of ['clientId', 'clientSecret', 'webhookSecret'] as const) {
    const value: unknown = settings[name];
    expect(typeof value === 'string' && value !== '', name, 'a string that is not empty', value);
  }
  expect(
    /^[\w-]+$/.test(settings.platformAccountID),
    'platformAccountID',
    'an account ID',
    settings.platformAccountID,
  );
  expect(
    ['timestamp', 'seconds'].includes(settings.expiresIn),
    'expiresIn',
    "'timestamp' or 'seconds'",
    settings.expiresIn,
  );
  expect(
    isPositiveInteger(settings.tokenLifeSeconds),
    'tokenLifeSeconds',
    'a whole number of seconds, at least 1',
    settings.tokenLifeSeconds,
  );
  expect(
    options.rateLimit === undefined || isPositiveInteger(settings.requestsPerSecond),
    'rateLimit.requestsPerSecond',
    'a whole number, at least 1',
    options.rateLimit?.requestsPerSecond,
  );
  expect(
    settings.log === undefined || typeof settings.log === 'function',
    'log',
    'true, false or a function',
    options.log,
  );
  return settings;
}

function expect(condition: boolean, option: string, what: string, value: unknown): void {
  // A number may be a key, put in the wrong place.
  const got =
    typeof value === 'number' && /^(client|webhook)/.test(option) ? 'a number' : describeType(value);
  if (!condition) throw new TypeError(wrongValue(option, what, got));
}

function isPositiveInteger(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function isRegistrable(origin: unknown): boolean {
  if (typeof origin !== 'string' || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  return url.origin === origin.toLowerCase() && url.hostname !== 'localhost';
}
