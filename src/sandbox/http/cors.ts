import type { IncomingHttpHeaders } from 'node:http';
import type { Settings } from '../options.js';
import type { ApiResponse } from './call.js';

/** What the documented routes take. */
const METHODS = 'GET, POST, PUT, PATCH, DELETE';
const HEADERS = 'authorization, content-type, x-idempotency-key, x-moov-version, x-wait-for';

/**
 * What browsers need to let a page call the API: CORS, for the registered origins. The OAuth endpoints have none, as
 * they take the API key, which no browser has.
 *
 * @see {@link https://fetch.spec.whatwg.org/#http-cors-protocol | Fetch: CORS protocol}
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  constructor(settings: Settings) {
    this.#origins = new Set(settings.origins.map((origin) => new URL(origin).origin));
  }

  /** The answer to a preflight of a registered origin, which brings no credentials; `undefined` for anything else. */
  preflight(method: string, pathname: string, headers: IncomingHttpHeaders): ApiResponse | undefined {
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return undefined;
    if (isOAuth(pathname) || !this.#isRegistered(headers.origin)) return undefined;
    return {
      status: 204,
      headers: { 'access-control-allow-methods': METHODS, 'access-control-allow-headers': HEADERS },
    };
  }

  /** The headers that every response has, whatever its status: a page is to see a 401 as a 401. */
  headers(pathname: string, { origin }: IncomingHttpHeaders): Record<string, string> {
    if (isOAuth(pathname)) return {};
    // Also without CORS, as the same request from another origin has another answer.
    const vary = { vary: 'Origin' };
    if (origin === undefined || !this.#isRegistered(origin)) return vary;
    return {
      ...vary,
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'x-request-id',
    };
  }

  #isRegistered(origin: string | undefined): boolean {
    return origin !== undefined && this.#origins.has(origin);
  }
}

function isOAuth(pathname: string): boolean {
  return pathname.startsWith('/oauth2/');
}
