import { validateHeaderName, validateHeaderValue } from 'node:http';
import axios, { type AxiosRequestConfig, type CreateAxiosDefaults } from 'axios';
import { z } from 'zod';
import type { Credentials, MoovOAuthOptions } from './config/connection-options.js';
import { parseOptions, wording } from './config/parse-options.js';
import { type OAuthSettings, readOAuthOptions } from './config/resolve.js';
import { milliseconds, ofMilliseconds, ofRetries, retries } from './config/schema.js';
import { MoovConfigError } from './errors.js';
import { OAuthEndpoint } from './oauth/endpoint.js';
import type { Exchange } from './oauth/exchange.js';
import { requestRevocation } from './oauth/revocation-request.js';
import { type AuthToken, requestToken } from './oauth/token-request.js';
import { createTransport } from './transports/create-transport.js';
import type { Transport } from './transports/transport.js';
import { Timers } from './utils/timers.js';

/** Settings for one call of {@link MoovOAuthClient}. */
export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** The time for the operation, retries included, in milliseconds. Default: the client's. */
  timeoutMs?: number | undefined;
  /** How often it may be retried when Moov is unavailable, 0 to 10. Default: the client's. */
  retries?: number | undefined;
  /** Further headers, such as `X-Moov-Version` for this call alone. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** A token request (RFC 6749 sections 4.4.2 and 6), with the names of Moov's own libraries. */
export interface CreateAccessTokenRequest {
  /** How to request it: with the key only, or with a refresh token. */
  grantType: 'client_credentials' | 'refresh_token';
  /** Space-delimited; required with `client_credentials`. */
  scope?: string | undefined;
  /** Required with `refresh_token`; at most 4,096 characters. */
  refreshToken?: string | undefined;
  /** Default: the client's. */
  clientId?: string | undefined;
  /** Default: the client's. */
  clientSecret?: string | undefined;
}

/** A revocation (RFC 7009 section 2.1), with the names of Moov's own libraries. */
export interface RevokeAccessTokenRequest {
  /** An access token or a refresh token. */
  token: string;
  /** Which of the two it is, if known; otherwise Moov tries both. */
  tokenTypeHint?: 'access_token' | 'refresh_token' | undefined;
  /** Default: the client's. */
  clientId?: string | undefined;
  /** Default: the client's. */
  clientSecret?: string | undefined;
}

const text = z.string().min(1);
const key = {
  clientId: text.optional().register(wording, { expected: 'a non-empty string' }),
  clientSecret: text.optional().register(wording, { expected: 'a non-empty string' }),
};

const createRequest = z
  .object({
    grantType: z
      .enum(['client_credentials', 'refresh_token'])
      .register(wording, { expected: "'client_credentials' or 'refresh_token'" }),
    scope: text.optional().register(wording, {
      expected: 'a non-empty string of space-delimited scopes (required with client_credentials)',
    }),
    refreshToken: text.max(4_096).optional().register(wording, {
      expected: 'a non-empty string of at most 4,096 characters (with refresh_token alone)',
    }),
    ...key,
  })
  .refine(({ grantType, scope }) => grantType !== 'client_credentials' || scope !== undefined, {
    path: ['scope'],
  })
  .refine(({ grantType, refreshToken }) => (grantType === 'refresh_token') === (refreshToken !== undefined), {
    path: ['refreshToken'],
  });

const revokeRequest = z.object({
  token: text.register(wording, { expected: 'a non-empty string, the access or refresh token to revoke' }),
  tokenTypeHint: z
    .enum(['access_token', 'refresh_token'])
    .optional()
    .register(wording, { expected: "'access_token' or 'refresh_token'" }),
  ...key,
});

const callOptions = z.object({
  signal: z.instanceof(AbortSignal).optional().register(wording, { expected: 'an AbortSignal' }),
  timeoutMs: milliseconds.optional().register(wording, ofMilliseconds),
  retries: retries.optional().register(wording, ofRetries),
  headers: z
    .record(z.string(), z.string())
    .refine(areHeaders)
    .optional()
    .register(wording, { expected: 'an object of header names and string values' }),
});

/**
 * A client for Moov's two OAuth operations only: for scripts, jobs and programs without Express.
 *
 * It keeps no token, and its idle connections close by themselves, so it needs no `close()`.
 *
 * @see {@link https://docs.moov.io/api/authentication/access-tokens/ | Moov: access tokens}
 */
export class MoovOAuthClient {
  readonly #settings: OAuthSettings;
  readonly #endpoint: OAuthEndpoint;

  /**
   * @param options - Each option falls back to its `MOOV_*` variable; see {@link MoovOAuthOptions}.
   * @throws {@link MoovConfigError} naming the option, what was expected and the variable that sets it.
   */
  constructor(options: MoovOAuthOptions = {}) {
    this.#settings = readOAuthOptions(options);
    this.#endpoint = makeEndpoint(this.#settings, createTransport(this.#settings).send);
  }

  /**
   * Requests a token by client credentials (RFC 6749 section 4.4) or by a refresh token (section 6).
   *
   * @param request - The grant, and its scopes or refresh token.
   * @param options - For this call; see {@link CallOptions}.
   * @returns the token, which is a secret: keep it out of logs.
   * @throws {@link MoovConfigError} for a request that lacks or misuses a field; nothing is sent.
   * @throws {@link MoovTokenError} when Moov refuses (400, 401, 403, 422: with `fields`), or its response is invalid.
   * @throws {@link MoovUnavailableError} for 429, 5xx, a time-out and a failed connection, after the retries.
   * @throws {@link MoovOriginError} for a redirect.
   */
  async createAccessToken(request: CreateAccessTokenRequest, options: CallOptions = {}): Promise<AuthToken> {
    const name = 'createAccessToken';
    const grant = parseOptions({ name, noun: 'field' }, createRequest, request);
    return requestToken(this.#endpoint, grant, this.#exchange(name, grant, options));
  }

  /**
   * Revokes a token (RFC 7009). Revoking a token that Moov does not know succeeds.
   *
   * @param request - The token, access or refresh.
   * @param options - For this call; see {@link CallOptions}.
   * @throws {@link MoovConfigError} for a request that lacks or misuses a field; nothing is sent.
   * @throws {@link MoovRevokeError} when Moov refuses (400, 401, 403, 422: with `fields`).
   * @throws {@link MoovUnavailableError} for 429, 5xx, a time-out and a failed connection, after the retries.
   * @throws {@link MoovOriginError} for a redirect.
   */
  async revokeAccessToken(request: RevokeAccessTokenRequest, options: CallOptions = {}): Promise<void> {
    const name = 'revokeAccessToken';
    const revocation = parseOptions({ name, noun: 'field' }, revokeRequest, request);
    await requestRevocation(this.#endpoint, revocation, this.#exchange(name, revocation, options));
  }

  #exchange(
    name: string,
    request: { clientId?: string | undefined; clientSecret?: string | undefined },
    given: CallOptions,
  ): Exchange {
    const { signal, timeoutMs, retries: mostRetries, headers } = parseOptions({ name }, callOptions, given);
    return {
      credentials: keyFor(request, this.#settings.credentials),
      headers: headers ?? {},
      timeoutMs: timeoutMs ?? this.#settings.timeoutMs,
      retries: mostRetries ?? this.#settings.retries,
      signal,
      timers: new Timers(true),
    };
  }
}

/** Creates the endpoint for some options, with the same transport and connection settings as for API calls. */
export function makeEndpoint(
  settings: Pick<OAuthSettings, 'baseURL' | 'apiVersion' | 'clientAuth' | 'origin' | 'axios'>,
  transport: Transport,
): OAuthEndpoint {
  const { baseURL, apiVersion, clientAuth, origin } = settings;
  return new OAuthEndpoint({
    baseURL,
    apiVersion,
    clientAuth,
    origin,
    transport,
    // Agents and a proxy that are set for the whole program carry API calls, and so token requests too.
    connection: connectionOf({ ...axios.defaults, ...settings.axios }),
  });
}

/** Interceptors and transforms are for API calls only; connection settings are for all requests. */
function connectionOf(config: CreateAxiosDefaults | undefined): AxiosRequestConfig {
  const names = ['proxy', 'httpAgent', 'httpsAgent', 'lookup', 'family'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (config?.[name] === undefined ? [] : [[name, config[name]]])),
  );
}

function keyFor(
  given: { clientId?: string | undefined; clientSecret?: string | undefined },
  fallback: () => Promise<Credentials>,
): () => Promise<Credentials> {
  const { clientId, clientSecret } = given;
  if (clientId === undefined && clientSecret === undefined) return fallback;
  if (clientId !== undefined && clientSecret !== undefined) return async () => ({ clientId, clientSecret });
  throw new MoovConfigError('clientId and clientSecret: expected both or neither in one request.');
}

/** Checked here, because HTTP clients detect this too late, or drop characters silently. */
function areHeaders(headers: Readonly<Record<string, string>>): boolean {
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    return true;
  } catch {
    return false;
  }
}
