import { MoovRevokeError, type MoovUnavailableError } from '../errors.js';
import type { EndpointResponse, OAuthEndpoint } from './endpoint.js';
import { type Clean, currentKey, type Exchange, judge, unavailable } from './exchange.js';
import { redactSecrets } from './redact-secrets.js';
import { readRefusal } from './response-schemas.js';
import { withRetries } from './retry.js';

export interface Revocation {
  token: string;
  tokenTypeHint?: 'access_token' | 'refresh_token' | undefined;
}

/** Moov's `POST /oauth2/revoke` (RFC 7009 section 2). */
export function requestRevocation(
  endpoint: OAuthEndpoint,
  { token, tokenTypeHint }: Revocation,
  exchange: Exchange,
): Promise<void> {
  return withRetries(exchange, async (signal) => {
    const credentials = await currentKey(exchange, signal);
    const response = await endpoint.post({
      path: '/oauth2/revoke',
      form: { token, token_type_hint: tokenTypeHint },
      credentials,
      headers: exchange.headers,
      signal,
    });
    const clean = redactSecrets(credentials, token);
    // An HTML page with status 200 comes from a gateway, and an error in a 200 means that the token is still valid.
    const succeeded = response.status >= 200 && response.status < 300 && response.foreign === undefined;
    if (!succeeded || readRefusal(response.body, clean).error !== undefined) throw failure(response, clean);
  });
}

function failure(response: EndpointResponse, clean: Clean): MoovRevokeError | MoovUnavailableError {
  const { status, requestId } = response;
  const { mayPass, ofCredentials, words, fields } = judge(response, clean);
  if (mayPass) return unavailable(response, words);
  return new MoovRevokeError(
    ofCredentials
      ? `Moov refused the credentials of the revocation (${status})${words}`
      : `Moov did not revoke the token (${status})${words}`,
    {
      code: ofCredentials ? 'ERR_MOOV_CREDENTIALS_REFUSED' : 'ERR_MOOV_REVOKE_REFUSED',
      upstreamStatus: status,
      requestId,
      fields,
    },
  );
}
