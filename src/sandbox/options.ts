import { z } from 'zod';
import { gotInList, parseOptions, type Wording, wording } from '../config/parse-options.js';
import { describeType, isObject } from '../utils/value-type.js';
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

const text = z.string().min(1);
const ofText: Wording = { expected: 'a string that is not empty' };
const yesOrNo: Wording = { expected: 'true or false' };

const schema = z.object({
  clientId: text.default('sandbox-public-key').register(wording, ofText),
  clientSecret: text.default('sandbox-secret-key').register(wording, ofText),
  origins: z
    .array(z.custom<string>(isRegistrable))
    .min(1)
    .default(['https://app.example.com'])
    .register(wording, {
      expected:
        "a list of origins such as 'https://app.example.com': scheme and host only, and not localhost",
      got: (value) => gotInList(value, isRegistrable),
    }),
  platformAccountID: z
    .string()
    .regex(/^[\w-]+$/)
    .default('b1d2c3a4-0000-4000-8000-000000000001')
    .register(wording, { expected: 'an account ID' }),
  expiresIn: z
    .enum(['timestamp', 'seconds'])
    .default('timestamp')
    .register(wording, { expected: "'timestamp' or 'seconds'" }),
  tokenLifeSeconds: z.int().min(1).default(3_600).register(wording, {
    expected: 'a whole number of seconds, at least 1',
    got: describeType,
  }),
  refreshTokens: z.boolean().default(true).register(wording, yesOrNo),
  rateLimit: z
    .object({ requestsPerSecond: z.int().min(1) })
    .default({ requestsPerSecond: Number.POSITIVE_INFINITY })
    .register(wording, {
      expected: '{ requestsPerSecond } with a whole number, at least 1',
      got: (value) => describeType(isObject(value) ? Reflect.get(value, 'requestsPerSecond') : value),
    }),
  opaqueTokens: z.boolean().default(false).register(wording, yesOrNo),
  webhookSecret: text.default('sandbox-webhook-secret').register(wording, ofText),
  // It has fields of its own, and messages about them.
  seed: z.unknown().default({}).transform(checkSeed),
  log: z
    .union([z.boolean(), z.custom<SandboxLog>((value) => typeof value === 'function')])
    .default(false)
    .transform((log): SandboxLog | false => (log === true ? (line) => console.log(line) : log))
    .register(wording, { expected: 'true, false or a function' }),
} satisfies Record<keyof MoovSandboxOptions, z.ZodType>);

/** Options with the defaults filled in. */
export type Settings = Readonly<z.output<typeof schema>>;

/** @throws TypeError for an unknown option or one that can't work, naming it and what was expected. */
export function resolveOptions(options: MoovSandboxOptions): Settings {
  return parseOptions({ name: 'createMoovSandbox', Failure: TypeError }, schema, options);
}

function isRegistrable(origin: unknown): boolean {
  if (typeof origin !== 'string' || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  return url.origin === origin.toLowerCase() && url.hostname !== 'localhost';
}
