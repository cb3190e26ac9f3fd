import type { MoovSandbox } from '../../src/sandbox/index.js';
import { parties } from '../helpers/payable.js';

export const ORIGIN = 'https://app.example.com';

export function basic({ clientId, clientSecret }: MoovSandbox['credentials']): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
}

export function transferScopes(sandbox: MoovSandbox): string {
  const account = `/accounts/${sandbox.platformAccountID}`;
  return `${account}/transfers.read ${account}/transfers.write`;
}

/** A request by the API key, or with other headers. */
export function send(
  sandbox: MoovSandbox,
  method: string,
  path: string,
  { body, headers, signal }: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${sandbox.url}${path}`, {
    method,
    headers: {
      authorization: basic(sandbox.credentials),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** `POST /oauth2/token` with the right credentials and origin, unless `headers` say otherwise. */
export function requestToken(
  sandbox: MoovSandbox,
  body: Record<string, unknown>,
  headers: Record<string, string> = { origin: ORIGIN },
): Promise<Response> {
  return send(sandbox, 'POST', '/oauth2/token', { body, headers });
}

export interface Minted {
  access_token: string;
  token_type: string;
  refresh_token: string;
  scope: string;
  expires_in: number;
}

export async function mint(sandbox: MoovSandbox, scope = '/ping.read'): Promise<Minted> {
  const response = await requestToken(sandbox, { grant_type: 'client_credentials', scope });
  if (response.status !== 200) throw new Error(`not minted: ${response.status} ${await response.text()}`);
  return readJson<Minted>(response);
}

/** The one place where a body is believed to be what a test says it is. */
export async function readJson<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}

export function bearer(token: string, origin = ORIGIN): { authorization: string; origin: string } {
  return { authorization: `Bearer ${token}`, origin };
}

/** The status of a ping with a token. */
export async function ping(sandbox: MoovSandbox, token: string): Promise<number> {
  return (await send(sandbox, 'GET', '/ping', { headers: bearer(token) })).status;
}

export const order = { amount: { currency: 'USD', value: 1204 }, ...parties };

/** `POST .../transfers` by the API key. */
export function createTransfer(
  sandbox: MoovSandbox,
  key: string,
  body: unknown = order,
  signal?: AbortSignal,
): Promise<Response> {
  return send(sandbox, 'POST', `/accounts/${sandbox.platformAccountID}/transfers`, {
    body,
    headers: { 'x-idempotency-key': key },
    ...(signal === undefined ? {} : { signal }),
  });
}
