import type { AxiosInstance, CreateAxiosDefaults } from 'axios';
import type { Request } from 'express';
import type { Dispatcher } from 'undici';
import type { MoovAuthEvent, MoovLogger } from '../events.js';
import type { TokenStore } from '../token-store.js';

/** A value, or a function that returns it and is called at each mint, so that keys rotate without a restart. */
export type Secret = string | (() => string | Promise<string>);

/** The two halves of an API key. Moov's dashboard calls them public key and secret key. */
export interface Credentials {
  clientId: string;
  clientSecret: string;
}

/** The options that {@link moovAuth} and {@link MoovOAuthClient} share. Each falls back to a `MOOV_*` variable. */
export interface MoovConnectionOptions {
  /** The API key's public key. Else `MOOV_CLIENT_ID` or `MOOV_PUBLIC_KEY`. */
  clientId?: Secret | undefined;
  /** The API key's secret key. Else `MOOV_CLIENT_SECRET` or `MOOV_SECRET_KEY`. */
  clientSecret?: Secret | undefined;
  /**
   * A domain registered with the API key, as scheme and host: `https://app.example.com`. Else `MOOV_ORIGIN`.
   * Required when the base URL is Moov's own; Moov answers 401 without it.
   */
  origin?: string | undefined;
  /** Default `https://api.moov.io`; else `MOOV_BASE_URL`. http is for loopback only. */
  baseURL?: string | undefined;
  /** `X-Moov-Version`, such as `v2026.10.00`; else `MOOV_API_VERSION`. Default `v2024.01.00`, Moov's own default. */
  apiVersion?: string | undefined;
  /** Where the key goes in OAuth requests: HTTP Basic (default) or the form (RFC 6749 section 2.3.1). */
  clientAuth?: 'basic' | 'body' | undefined;
  /**
   * What carries the requests. `undici` (default): keep-alive connections of this object's own; what undici does not
   * do as Axios does (a proxy in `axios` or in the environment, agents, `lookup`) goes over Axios's own adapter by
   * itself. `axios`: that adapter for everything. Or a Dispatcher of undici 7, for a CA, a client certificate, a
   * proxy or a `MockAgent`: it is used as it is and never closed, it has to send each request to the origin it is
   * given and once only, and the environment's proxy variables are not looked at.
   */
  transport?: 'undici' | 'axios' | Dispatcher | undefined;
  /** Further Axios settings, such as `proxy` or `httpsAgent`. What would bypass this package is refused. */
  axios?: CreateAxiosDefaults | undefined;
}

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

/** Options of {@link MoovOAuthClient}. */
export interface MoovOAuthOptions extends MoovConnectionOptions {
  /** The time for one operation, retries included, in milliseconds. Default 10,000. */
  timeoutMs?: number | undefined;
  /** How often an operation may be retried when Moov is unavailable, 0 to 10. Default 2. */
  retries?: number | undefined;
}
