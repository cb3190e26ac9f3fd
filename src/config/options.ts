import type { AxiosInstance } from 'axios';
import type { Request } from 'express';
import type { MoovAuthEvent, MoovLogger } from '../events.js';
import type { TokenStore } from '../token-store.js';
import type { MoovConnectionOptions } from './connection-options.js';

/** Options of {@link moovAuth}. An unknown one is refused. */
export interface MoovAuthOptions extends MoovConnectionOptions {
  /** How tokens are renewed (RFC 6749 section 6). Default `client_credentials`; a refused refresh falls back to it. */
  renewWith?: 'client_credentials' | 'refresh_token' | undefined;
  /** The time for a whole call in milliseconds: token, attempts, waits, reading the body. Default 30,000. */
  timeoutMs?: number | undefined;
  /** The time for one attempt of a call in milliseconds. Default 10,000. */
  attemptTimeoutMs?: number | undefined;
  /** The time to obtain a token in milliseconds: up to three attempts. Default 10,000. */
  tokenTimeoutMs?: number | undefined;
  /** How often a call may be retried, 0 to 10. Default 3. */
  retries?: number | undefined;
  /**
   * Whether retries are limited over all calls, to ten at once and in the long run a fifth of the calls, so that they
   * do not add to the load on a failing Moov. Default `true`.
   */
  retryBudget?: boolean | undefined;
  /**
   * The platform's own account ID, which fills `{platformAccountID}` in scopes; else `MOOV_ACCOUNT_ID`. A token made
   * for another account is warned of.
   */
  platformAccountID?: string | undefined;
  /**
   * The account that fills `{accountID}` in scopes: one for all, or a function of the request, which must not be
   * asynchronous. Without it `req.params.accountID` is taken. Whether a user may act for that account is for the
   * application to decide, before this.
   *
   * @param req - The request, with the parameters of where the middleware is mounted.
   */
  accountID?: string | ((req: Request) => string | undefined) | undefined;
  /** How many tokens are kept, beside that of start-up; the least recently used one goes first. Default 10,000. */
  maxTokens?: number | undefined;
  /**
   * Where tokens are kept, so that several processes share them: `redisTokenStore` of `express-moov-auth/redis`, or one
   * of your own. Default: in the memory of this process.
   */
  store?: TokenStore | undefined;
  /**
   * Runs once on each Axios instance when it is made, for interceptors and defaults of your own.
   *
   * @param instance - Is closed to changes afterwards, as all requests share it.
   */
  configure?: ((instance: AxiosInstance) => void) | undefined;
  /** Gets a line for each event: pino, console, or anything with `debug`, `info`, `warn` and `error`. */
  logger?: MoovLogger | undefined;
  /**
   * Gets each event, for metrics. What it throws is ignored.
   *
   * @param event - A frozen object, without secrets.
   */
  onEvent?: ((event: MoovAuthEvent) => void) | undefined;
}
