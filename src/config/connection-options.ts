import type { CreateAxiosDefaults } from 'axios';
import type { Dispatcher } from 'undici';

/** A value, or a function that returns it and is called for each token request, so that keys rotate without a restart. */
export type Secret = string | (() => string | Promise<string>);

/** The two halves of an API key. Moov's dashboard calls them public key and secret key. */
export interface Credentials {
  /** The public key. */
  clientId: string;
  /** The secret key. */
  clientSecret: string;
}

/** Half of an API key, or a function that may return both halves, so that a rotation can't mix those of two keys. */
export type SecretOrPair = string | (() => string | Credentials | Promise<string | Credentials>);

/**
 * The option `transport`.
 *
 * @inline
 */
export type TransportChoice = 'undici' | 'axios' | Dispatcher;

/** The options that {@link moovAuth} and {@link MoovOAuthClient} share. Each falls back to a `MOOV_*` variable. */
export interface MoovConnectionOptions {
  /**
   * The API key's public key; or a function that returns both halves, `{ clientId, clientSecret }`, and is called for each
   * token request; then leave `clientSecret` out. Else `MOOV_CLIENT_ID` or `MOOV_PUBLIC_KEY`.
   */
  clientId?: SecretOrPair | undefined;
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
   * How requests are sent. `undici` (default): over keep-alive connections of this object's own; calls that need a
   * feature undici lacks (a proxy in `axios` or in the environment, agents, `lookup`) automatically use Axios's own
   * adapter. `axios`: always Axios's own adapter. Or a Dispatcher of undici 7, for a CA, a client certificate, a proxy
   * or a `MockAgent`: it is never closed, must send each request once and to the origin it is given, and the
   * environment's proxy variables are ignored.
   */
  transport?: TransportChoice | undefined;
  /** Further Axios settings, such as `proxy` or `httpsAgent`. Settings that would bypass this package are refused. */
  axios?: CreateAxiosDefaults | undefined;
}

/** Options of {@link MoovOAuthClient}. */
export interface MoovOAuthOptions extends MoovConnectionOptions {
  /** The time for one operation, retries included, in milliseconds. Default 10,000. */
  timeoutMs?: number | undefined;
  /** How often an operation may be retried when Moov is unavailable, 0 to 10. Default 2. */
  retries?: number | undefined;
}
