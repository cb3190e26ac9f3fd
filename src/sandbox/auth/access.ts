import type { IncomingHttpHeaders } from 'node:http';
import { bare, basicCredentials, failure } from '../http/call.js';
import type { Settings } from '../options.js';
import type { Tokens } from './tokens.js';

/** What a caller may do. */
export type Allows = (scope: string) => boolean;

/** Authenticates calls, by API key or by token and origin, and knows the scopes of each. */
export class Access {
  readonly #settings: Settings;
  readonly #tokens: Tokens;
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;

  constructor(settings: Settings, tokens: Tokens) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#origins = new Set(settings.origins.map((origin) => new URL(origin).origin));
    this.#hosts = new Set(settings.origins.map((origin) => new URL(origin).host));
  }

  /**
   * A Bearer token needs a registered Origin; the API key by HTTP Basic needs none and has every scope.
   *
   * @throws Refusal, a bare 401, which does not say what is wrong.
   */
  authenticate(headers: IncomingHttpHeaders): Allows {
    const basic = basicCredentials(headers.authorization);
    if (basic?.user === this.#settings.clientId && basic.password === this.#settings.clientSecret) {
      return () => true;
    }
    const token = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
    const scopes = token === undefined ? undefined : this.#tokens.scopesOf(token);
    if (scopes === undefined) throw bare(401, whyNotValid(headers.authorization));
    if (!this.#isFromRegisteredOrigin(headers)) throw bare(401, whyNotRegistered(headers));
    return (scope) => scopes.has(scope);
  }

  /** Origin wins over Referer. Node joins several Origins to one, with commas, which is never registered. */
  #isFromRegisteredOrigin({ origin, referer }: IncomingHttpHeaders): boolean {
    if (origin) return this.#origins.has(origin.toLowerCase());
    return referer !== undefined && URL.canParse(referer) && this.#hosts.has(new URL(referer).host);
  }
}

function whyNotValid(authorization: string | undefined): string {
  if (!authorization) return 'Authorization header missing';
  if (/^basic /i.test(authorization)) return 'Authorization header: not the API key of the sandbox';
  return 'Authorization header: no valid token (expired, revoked, or of another server)';
}

function whyNotRegistered({ origin, referer }: IncomingHttpHeaders): string {
  if (origin) return `Origin header: ${origin} is not registered with the API key`;
  return referer ? 'Referer header: not of a registered origin' : 'Origin header missing';
}

/**
 * `vYYYY.QQ.BB`, where QQ is the first month of a quarter; `dev` and `latest` are of older documents.
 *
 * @throws Refusal with 400 for an `X-Moov-Version` that can't exist. One that was never published passes.
 */
export function checkVersion(headers: IncomingHttpHeaders): void {
  const version = headers['x-moov-version'];
  if (version === undefined) return;
  if (typeof version !== 'string' || !/^(v\d{4}\.(01|04|07|10)\.\d{2}|dev|latest)$/.test(version)) {
    throw failure(400, 'X-Moov-Version must look like v2024.01.00');
  }
}

/**
 * Moov's limit, over any second that has just passed. Refused requests do not count.
 *
 * @returns a check that throws a Refusal with 429 and `Retry-After`.
 */
export function rateLimiter(requestsPerSecond: number): () => void {
  let recent: number[] = [];
  return () => {
    if (requestsPerSecond === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    recent = recent.filter((time) => time > now - 1000);
    if (recent.length >= requestsPerSecond) {
      throw bare(429, `more than ${requestsPerSecond} requests in a second`, { 'retry-after': '1' });
    }
    recent.push(now);
  };
}
