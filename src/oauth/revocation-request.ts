import { MoovRevokeError, type MoovUnavailableError } from '../errors.js';
import type { EndpointResponse, OAuthEndpoint } from './endpoint.js';
import { type Clean, currentKey, type Exchange, explain, unavailable } from './exchange.js';
import { redactSecrets } from './redact-secrets.js';
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
    const reply = await endpoint.post({
      path: '/oauth2/revoke',
      form: { token, token_type_hint: tokenTypeHint },
      credentials,
      headers: exchange.headers,
      signal,
    });
    // A page with status 200 is a gateway's, and the token lives on.
    if (reply.status >= 200 && reply.status < 300 && reply.foreign === undefined) return;
    throw revokeFailure(reply, redactSecrets(credentials, token));
  });
}

function revokeFailure(reply: EndpointResponse, clean: Clean): MoovRevokeError | MoovUnavailableError {
  const { status } = reply;
  const told = explain(reply, clean);
  if (status === 429 || status >= 500) return unavailable(reply, told.message);
  const refused = status === 401 || status === 403;
  return new MoovRevokeError(
    refused
      ? `Moov refused the credentials of the revocation (${status})${told.message}`
      : `Moov did not revoke the token (${status})${told.message}`,
    {
      code: refused ? 'ERR_MOOV_CREDENTIALS_REFUSED' : 'ERR_MOOV_REVOKE_REFUSED',
      upstreamStatus: status,
      requestId: reply.requestId,
      fields: told.fields,
    },
  );
}
