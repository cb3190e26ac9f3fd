import { createHash } from 'node:crypto';

/** What else decides which token Moov gives. */
export interface KeySettings {
  clientId: () => Promise<string>;
  baseURL: string;
  origin?: string | undefined;
}

/**
 * The name of a set of scopes in a store: processes share a token exactly when they would ask Moov for the same one.
 * It is a hash, as whoever can read the store need not learn of clients, scopes and accounts.
 *
 * @throws as the function given for `clientId` makes it.
 */
export async function storeKey(settings: KeySettings, scope: string): Promise<string> {
  const what = [await settings.clientId(), settings.baseURL, settings.origin, scope];
  return createHash('sha256').update(JSON.stringify(what)).digest('base64url');
}
