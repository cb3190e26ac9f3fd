import { MoovTokenError, type MoovUnavailableError } from '../errors.js';
import type { EndpointResponse, OAuthEndpoint } from './endpoint.js';
import { type Clean, currentKey, type Exchange, explain, unavailable } from './exchange.js';
import { lifetimeMs } from './lifetime.js';
import { redactSecrets } from './redact-secrets.js';
import { tokenResponse, tokenResponseExpectations } from './response-schemas.js';
import { withRetries } from './retry.js';

/** A token as Moov's `POST /oauth2/token` gave it (RFC 6749 section 5.1), under the names of its libraries. */
export interface AuthToken {
  /** The token itself: a secret. */
  accessToken: string;
  /** `Bearer`, or `opaque` in older replies. */
  tokenType: string;
  /** Absent when Moov sent none (RFC 6749 section 4.4.3). */
  refreshToken?: string;
  /** What was granted, space-delimited; absent when the reply does not say. */
  scope?: string;
  /** `expires_in` as it came: seconds of life, or a Unix timestamp in seconds. Absent when the reply has none. */
  expiresIn?: number;
  /** The life left at receipt in milliseconds, from either meaning of `expires_in`; at most a day. */
  lifetimeMs: number;
  /** When that life ends by the local clock. */
  expiresAt: Date;
  /** Moov's `x-request-id`. */
  requestId?: string;
  /** The reply's status: 200. */
  status: number;
}

export interface Grant {
  grantType: 'client_credentials' | 'refresh_token';
  scope?: string | undefined;
  refreshToken?: string | undefined;
}

export interface TokenExchange extends Exchange {
  /** Lets an attempt through to Moov, when and if it may go. Default: at once. */
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
    const reply = await endpoint.post({
      path: '/oauth2/token',
      form: { grant_type: grant.grantType, scope: grant.scope, refresh_token: grant.refreshToken },
      credentials,
      headers: exchange.headers,
      signal,
    });
    const clean = redactSecrets(credentials, grant.refreshToken);
    if (reply.status !== 200) throw tokenFailure(reply, clean);
    return readToken(reply, clean);
  }
}

function readToken(reply: EndpointResponse, clean: Clean): AuthToken {
  const parsed = tokenResponse.safeParse(reply.body);
  if (!parsed.success) {
    const field = String(parsed.error.issues[0]?.path[0] ?? '');
    const fault = reply.foreign
      ? `is not Moov's reply (${clean(reply.foreign).slice(0, 80)} where JSON was expected)`
      : `can't be used: ${tokenResponseExpectations[field] ?? 'it is no JSON object'}`;
    throw unusable(reply, fault);
  }
  const { access_token, token_type, refresh_token, scope, expires_in } = parsed.data;
  const now = Date.now();
  const life = lifetimeMs({
    expiresIn: expires_in,
    date: reply.headers.date,
    now,
    roundTripMs: reply.roundTripMs,
  });
  if (typeof life === 'string') throw unusable(reply, `can't be used: ${life}`);
  return {
    accessToken: access_token,
    tokenType: token_type,
    ...(refresh_token ? { refreshToken: refresh_token } : {}),
    ...(typeof scope === 'string' ? { scope } : {}),
    ...(typeof expires_in === 'number' ? { expiresIn: expires_in } : {}),
    lifetimeMs: life,
    expiresAt: new Date(now + life),
    ...(reply.requestId === undefined ? {} : { requestId: reply.requestId }),
    status: reply.status,
  };
}

function unusable(reply: EndpointResponse, fault: string): MoovTokenError {
  return new MoovTokenError(`The reply of /oauth2/token ${fault}`, {
    code: 'ERR_MOOV_TOKEN_REPLY',
    upstreamStatus: reply.status,
    requestId: reply.requestId,
  });
}

function tokenFailure(reply: EndpointResponse, clean: Clean): MoovTokenError | MoovUnavailableError {
  const { status } = reply;
  if (status < 400) return unusable(reply, `has status ${status} where 200 was expected`);
  const told = explain(reply, clean);
  if (status === 429 || status >= 500) return unavailable(reply, told.message);
  const refused = status === 401 || status === 403;
  return new MoovTokenError(
    refused
      ? `Moov refused the credentials (${status})${told.message}: check clientId (MOOV_CLIENT_ID or MOOV_PUBLIC_KEY) and clientSecret (MOOV_CLIENT_SECRET or MOOV_SECRET_KEY), and that the key may ask for these scopes`
      : `Moov refused the token request (${status})${told.message}`,
    {
      code: refused ? 'ERR_MOOV_CREDENTIALS_REFUSED' : 'ERR_MOOV_TOKEN_REFUSED',
      upstreamStatus: status,
      requestId: reply.requestId,
      fields: told.fields,
    },
  );
}
