import { MoovTokenError, type MoovUnavailableError } from '../errors.js';
import type { EndpointResponse, OAuthEndpoint } from './endpoint.js';
import { type Clean, currentKey, type Exchange, judge, unavailable } from './exchange.js';
import { lifetimeMs, readNumber } from './lifetime.js';
import { redactSecrets } from './redact-secrets.js';
import { readRefusal, tokenResponse, tokenResponseExpectations } from './response-schemas.js';
import { withRetries } from './retry.js';

/** A token from Moov's `POST /oauth2/token` (RFC 6749 section 5.1), with the names of Moov's libraries. */
export interface AuthToken {
  /** The token itself: a secret. */
  accessToken: string;
  /** `Bearer`, or `opaque` in older responses. */
  tokenType: string;
  /** Absent when Moov sent none (RFC 6749 section 4.4.3). */
  refreshToken?: string;
  /** The granted scopes, space-delimited; absent when the response has none. */
  scope?: string;
  /**
   * `expires_in` as received: a number of seconds, or a Unix timestamp in seconds. Absent when the response has none.
   */
  expiresIn?: number;
  /** The remaining lifetime at receipt in milliseconds, from either meaning of `expires_in`; at most a day. */
  lifetimeMs: number;
  /** When it expires, by the local clock. */
  expiresAt: Date;
  /** Moov's `x-request-id`. */
  requestId?: string;
  /** The response's status: 200. */
  status: number;
}

export interface Grant {
  grantType: 'client_credentials' | 'refresh_token';
  scope?: string | undefined;
  refreshToken?: string | undefined;
}

export interface TokenExchange extends Exchange {
  /** Waits until an attempt may be sent to Moov. Default: no wait. */
  through?: (attempt: () => Promise<AuthToken>, signal: AbortSignal) => Promise<AuthToken>;
}

/** Moov's `POST /oauth2/token` (RFC 6749 sections 4.4 and 6). */
export function requestToken(
  endpoint: OAuthEndpoint,
  grant: Grant,
  exchange: TokenExchange,
): Promise<AuthToken> {
  const { through = (attempt) => attempt() } = exchange;
  return withRetries(exchange, (signal) => through(() => askForToken(signal), signal));

  async function askForToken(signal: AbortSignal): Promise<AuthToken> {
    const credentials = await currentKey(exchange, signal);
    const response = await endpoint.post({
      path: '/oauth2/token',
      form: { grant_type: grant.grantType, scope: grant.scope, refresh_token: grant.refreshToken },
      credentials,
      headers: exchange.headers,
      signal,
    });
    const clean = redactSecrets(credentials, grant.refreshToken);
    if (response.status !== 200) throw tokenFailure(response, clean);
    return readToken(response, clean);
  }
}

function readToken(response: EndpointResponse, clean: Clean): AuthToken {
  const { body, foreign, headers, status } = response;
  const parsed = tokenResponse.safeParse(body);
  if (!parsed.success) {
    // Some servers send their refusals with status 200.
    if (readRefusal(body, clean).error !== undefined) throw refusal(response, clean);
    const field = String(parsed.error.issues[0]?.path[0] ?? '');
    const fault = foreign
      ? `is not Moov's response (${clean(foreign).slice(0, 80)} where JSON was expected)`
      : `can't be used: ${tokenResponseExpectations[field] ?? 'it is not a JSON object'}`;
    throw unusable(response, fault);
  }
  const { access_token, token_type, refresh_token, scope, expires_in } = parsed.data;
  const now = Date.now();
  const expiresIn = readNumber(expires_in);
  const life = lifetimeMs({ expiresIn, date: headers.date, now, roundTripMs: response.roundTripMs });
  if (typeof life === 'string') throw unusable(response, `can't be used: ${life}`);
  // The response may echo its own token.
  const requestId = response.requestId?.includes(access_token) ? undefined : response.requestId;
  return {
    accessToken: access_token,
    tokenType: token_type,
    ...(refresh_token ? { refreshToken: refresh_token } : {}),
    ...(scope ? { scope } : {}),
    ...(typeof expiresIn === 'number' ? { expiresIn } : {}),
    lifetimeMs: life,
    expiresAt: new Date(now + life),
    ...(requestId === undefined ? {} : { requestId }),
    status,
  };
}

function unusable({ status, requestId }: EndpointResponse, fault: string): MoovTokenError {
  return new MoovTokenError(`The response of /oauth2/token ${fault}`, {
    code: 'ERR_MOOV_TOKEN_REPLY',
    upstreamStatus: status,
    requestId,
  });
}

function tokenFailure(response: EndpointResponse, clean: Clean): MoovTokenError | MoovUnavailableError {
  const { status } = response;
  if (status < 400) return unusable(response, `has status ${status} where 200 was expected`);
  return refusal(response, clean);
}

function refusal(response: EndpointResponse, clean: Clean): MoovTokenError | MoovUnavailableError {
  const { status, requestId } = response;
  const { mayPass, ofCredentials, words, fields } = judge(response, clean);
  if (mayPass) return unavailable(response, words);
  return new MoovTokenError(
    ofCredentials
      ? `Moov refused the credentials (${status})${words}: check clientId (MOOV_CLIENT_ID or MOOV_PUBLIC_KEY) and clientSecret (MOOV_CLIENT_SECRET or MOOV_SECRET_KEY), and that the key may request these scopes`
      : `Moov refused the token request (${status})${words}`,
    {
      code: ofCredentials ? 'ERR_MOOV_CREDENTIALS_REFUSED' : 'ERR_MOOV_TOKEN_REFUSED',
      upstreamStatus: status,
      requestId,
      fields,
    },
  );
}
