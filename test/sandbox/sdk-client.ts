import { HTTPClient, Moov } from '@moovio/sdk';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { mint, ORIGIN } from './helpers.js';

// Moov's own client, whose schemas every response has to pass.

export function httpClient(origin = ORIGIN): HTTPClient {
  return new HTTPClient().addHook('beforeRequest', (request) => {
    const next = new Request(request);
    next.headers.set('origin', origin);
    return next;
  });
}

/** The SDK with the API key, which has every scope. */
export function withKey(sandbox: MoovSandbox): Moov {
  const { clientId: username, clientSecret: password } = sandbox.credentials;
  return new Moov({ serverURL: sandbox.url, security: { username, password }, httpClient: httpClient() });
}

/** The SDK with a token of these scopes and no others. */
export async function withScopes(sandbox: MoovSandbox, ...scopes: string[]): Promise<Moov> {
  const { access_token: accessToken } = await mint(sandbox, scopes.join(' '));
  return new Moov({ serverURL: sandbox.url, accessToken, httpClient: httpClient() });
}

/** What a promise rejects with. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
