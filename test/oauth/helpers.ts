// Loaded beforehand, as the short time limits of tests are not meant for that.
import 'undici';
import type { MoovOAuthOptions } from '../../src/index.js';
import { MoovOAuthClient } from '../../src/index.js';
import type { Reply } from '../helpers/http-server.js';

export const ORIGIN = 'https://app.example.com';
export const KEY = { clientId: 'pk_Live-1_a', clientSecret: 'sk/9+Zz %:&=é_-' } as const;

/** What `KEY` looks like in an Authorization header, and what a log must therefore not show. */
export const BASIC = 'cGtfTGl2ZS0xX2E6c2slMkY5JTJCWnorJTI1JTNBJTI2JTNEJUMzJUE5Xy0=';

/** A client of a server of the test's own. Retries wait for shares of `timeoutMs`, so a short one is quick. */
export function clientOf(baseURL: string, options: MoovOAuthOptions = {}): MoovOAuthClient {
  return new MoovOAuthClient({ ...KEY, origin: ORIGIN, baseURL, timeoutMs: 2_000, ...options });
}

export const grant = { grantType: 'client_credentials', scope: '/ping.read' } as const;

/** A good token reply, with some fields replaced; `undefined` leaves one out. */
export function tokenReply(fields: Record<string, unknown> = {}): Reply {
  return {
    headers: { 'x-request-id': 'req-token' },
    body: {
      access_token: 'eyJ.access-token_1',
      token_type: 'Bearer',
      refresh_token: 'refresh-token-1',
      scope: '/ping.read',
      expires_in: 3600,
      ...fields,
    },
  };
}
