/**
 * Moov's official SDK on the tokens of a `MoovAuth`.
 *
 * @module express-moov-auth/sdk
 */
import { HTTPClient, Moov, type SDKOptions } from '@moovio/sdk';
import { assertKnown } from '../config/check-options.js';
import { MoovConfigError } from '../errors.js';
import type { MoovClientTarget } from '../scopes/target.js';
import type { MoovAuth } from '../types.js';

/** @inline */
type Refused = 'security' | 'accessToken' | 'httpClient' | 'serverURL' | 'serverIdx' | 'retryConfig';

/** The SDK's options that would lead its calls past the `MoovAuth`, and what is to be used instead. */
const refused: Readonly<Record<Refused, string>> = {
  security: 'The SDK gets its tokens from the MoovAuth.',
  accessToken: 'The SDK gets its tokens from the MoovAuth.',
  httpClient: "Its calls are those of the MoovAuth's fetch.",
  serverURL: 'It is the baseURL of the MoovAuth.',
  serverIdx: 'It is the baseURL of the MoovAuth.',
  retryConfig: 'What may be sent again is decided by the MoovAuth; its option "retries" says how often.',
};

/** Options of {@link moovSdk}: a target, and the SDK's own options without those that the `MoovAuth` provides. */
export type MoovSdkOptions = MoovClientTarget & Omit<SDKOptions, Refused>;

// An object rather than a list, so that the compiler asks for every option.
const taken: Readonly<Record<keyof MoovSdkOptions, true>> = {
  scopes: true,
  accountID: true,
  background: true,
  timeoutMs: true,
  userAgent: true,
  debugLogger: true,
};

/**
 * Moov's official SDK (`@moovio/sdk`) on the renewed, scoped tokens of a `MoovAuth`. Its calls keep the rules of
 * `req.moov`: renewal and replay after 401, retries where a second send is safe, one deadline, Moov's origin alone. The
 * token is in none of the SDK's results, errors and requests. `X-Moov-Version` is the one the SDK was made for, whatever
 * `apiVersion` says, as its types belong to it.
 *
 * When a call gets no response, the SDK's error (`ConnectionError`, `RequestTimeoutError`, `RequestAbortedError`, or
 * `UnexpectedClientError` for the errors of this package) has that of {@link MoovAuth.fetch} as its `cause`:
 * `isMoovCallError(error.cause) && error.cause.moov.ambiguous` tells whether Moov may have acted. With a response it is
 * its `moov`, which the SDK's errors have as `rawResponse`; one with `rawResponse.ok`, such as a
 * `ResponseValidationError`, says that Moov did what was requested, but the SDK cannot read the response.
 *
 * The SDK makes no retries of its own unless a call asks for them (`retries` in its second argument). Leave them out:
 * they would repeat this package's, and also writes that have no idempotency key.
 *
 * Making one costs no network.
 *
 * @param moov - What `moovAuth` returned.
 * @param options - `scopes`, `accountID` and `background` as for {@link MoovAuth.clientFor}; `timeoutMs` in milliseconds, for each
 * call, beside that of the `MoovAuth` (default: none); `userAgent`; `debugLogger`, which gets bodies, and never the token.
 * @returns the SDK's own client.
 * @throws {@link express-moov-auth!MoovConfigError | MoovConfigError} for one of the SDK's options that would bypass the
 * `MoovAuth`, for an unknown option, and for invalid scopes;
 * {@link express-moov-auth!MoovScopeError | MoovScopeError} when an account is missing or not a UUID.
 * @see {@link https://github.com/moovfinancial/moov-typescript | Moov's SDK for TypeScript}
 */
export function moovSdk(moov: MoovAuth, options: MoovSdkOptions = {}): Moov {
  if (typeof moov !== 'function' || !('fetchFor' in moov)) {
    throw new MoovConfigError('moovSdk: expected what moovAuth(scopes) returned as its first argument.');
  }
  // A misspelt accountID would be ignored, and the wrong account would act.
  const known = Object.keys(taken);
  assertKnown({ name: 'moovSdk' }, options, [...known, ...Object.keys(refused)], known);
  for (const [name, why] of Object.entries(refused)) {
    if (Reflect.get(options, name) !== undefined) {
      throw new MoovConfigError(`moovSdk can't have the SDK's option "${name}". ${why}`);
    }
  }
  const { scopes, accountID, background, ...sdkOptions } = options;
  const { baseURL } = moov.client.defaults;
  if (baseURL === undefined) {
    throw new MoovConfigError('moovSdk: the option "configure" must not take the baseURL off the instance.');
  }
  const fetcher = moov.fetchFor({ scopes, accountID, background });
  return new Moov({ ...sdkOptions, serverURL: baseURL, httpClient: new HTTPClient({ fetcher }) });
}
