import type { AxiosInstance } from 'axios';
import type { Request } from 'express';
import type { MoovAuthEvent } from '../events.js';
import type { LoggerOption } from '../logging/logger.js';
import type { TokenStore } from '../token-store.js';
import type { MoovConnectionOptions } from './connection-options.js';

/** Options of {@link moovAuth}. An unknown one is refused. */
export interface MoovAuthOptions extends MoovConnectionOptions {
  /** How tokens are renewed (RFC 6749 section 6). Default `client_credentials`, which is also used when a
   * refresh token is refused. */
  renewWith?: 'client_credentials' | 'refresh_token' | undefined;
  /** The time for a whole call in milliseconds: token, attempts, waits, reading the body. Default 30,000. */
  timeoutMs?: number | undefined;
  /** How long an attempt of a call may neither send nor receive a byte, in milliseconds. Default 10,000. */
  attemptTimeoutMs?: number | undefined;
  /** The time for a token request in milliseconds: up to three attempts. Default 10,000. */
  tokenTimeoutMs?: number | undefined;
  /** How often a call may be retried, 0 to 10. Default 3. */
  retries?: number | undefined;
  /**
   * Whether retries are limited over all calls, to bursts of ten and in the long run a fifth of the calls, so that they
   * do not add to Moov's load while it fails. Default `true`.
   */
  retryBudget?: boolean | undefined;
  /**
   * How calls keep to Moov's rate limit. Default `'adaptive'`: nothing is delayed until Moov answers 429. Then the calls
   * of the account wait as long as Moov asks, and continue, in order, at the rate that Moov was seen to accept. The refused call is
   * sent again whatever its method, which costs neither `retries` nor `retryBudget`. A call whose turn cannot come before
   * its deadline is refused at once, with `ERR_MOOV_RATE_LIMITED`. With `{ requestsPerSecond }`, 1 to 10,000, all calls
   * together keep to that rate from the first one, and slow down further when Moov answers 429. With `false`, a 429 is
   * retried like a 503, each call by itself.
   *
   * @see {@link https://docs.moov.io/api/rate-limits/ | Moov: rate limits}
   */
  rateLimit?:
    | 'adaptive'
    | {
        /** Calls per second, 1 to 10,000. */
        requestsPerSecond: number;
      }
    | false
    | undefined;
  /**
   * The platform's own account ID, which fills `{platformAccountID}` in scopes; else `MOOV_ACCOUNT_ID`. Emits
   * `token.warning` if the API key belongs to another account.
   */
  platformAccountID?: string | undefined;
  /**
   * The account that fills `{accountID}` in scopes: one for all, or a synchronous function of the request. Default:
   * `req.params.accountID`. The application must check first whether the user may act for that account.
   *
   * @param req - The request, with the parameters of where the middleware is mounted.
   */
  accountID?: string | ((req: Request) => string | undefined) | undefined;
  /**
   * Maximum number of cached tokens, not counting the start-up token. The least recently used is evicted first.
   * Default 10,000.
   */
  maxTokens?: number | undefined;
  /**
   * Where tokens are kept, so that several processes share them: `redisTokenStore` of `express-moov-auth/redis`, or one
   * of your own. Default: in the memory of this process.
   */
  store?: TokenStore | undefined;
  /**
   * Called once with each new Axios instance, to add interceptors and defaults.
   *
   * @param instance - Frozen afterwards, because all requests share it.
   */
  configure?: ((instance: AxiosInstance) => void) | undefined;
  /**
   * Logs one line per event: pino, winston, console, any object with `debug`, `info`, `warn` and `error`, or a function.
   * Default: warnings and errors go to the console, at most one line of a kind a minute, unless `NODE_ENV` is `test`.
   * `false`: nothing is logged.
   */
  logger?: LoggerOption | undefined;
  /**
   * Called with each event, for metrics. Its errors are ignored.
   *
   * @param event - A frozen object, without secrets.
   */
  onEvent?: ((event: MoovAuthEvent) => void) | undefined;
}
