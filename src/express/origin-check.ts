import type { Request, Response } from 'express';
import { MoovConfigError } from '../errors.js';

/** How long a browser may remember the answer to a preflight, in seconds. */
const PREFLIGHT_SECONDS = '600';

/** @throws {@link MoovConfigError} when an entry is not scheme and host. */
export function readAllowedOrigins(router: string, allowed: unknown): ReadonlySet<string> {
  const list: unknown[] = allowed === undefined ? [] : Array.isArray(allowed) ? allowed : [undefined];
  const origins = new Set<string>();
  for (const origin of list) {
    if (typeof origin !== 'string' || !URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new MoovConfigError(
        `${router}: "allowedOrigins" must be a list of origins as scheme and host, such as "https://app.example.com".`,
      );
    }
    origins.add(origin);
  }
  return origins;
}

/**
 * Whether a request comes from a place that may use the route, judged as browsers tell it: a listed `Origin`; else
 * `Sec-Fetch-Site`; else an `Origin` whose host is this one's. Without any of them no browser is asking.
 *
 * Sets the CORS headers for a listed origin.
 */
export function admitsOrigin(req: Request, res: Response, allowed: ReadonlySet<string>): boolean {
  res.vary('Origin');
  res.vary('Sec-Fetch-Site');
  const { origin } = req.headers;
  if (origin !== undefined && allowed.has(origin)) {
    res.set('Access-Control-Allow-Origin', origin);
    res.set('Access-Control-Allow-Credentials', 'true');
    res.set('Access-Control-Expose-Headers', 'Retry-After');
    return true;
  }
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  if (origin === undefined) return true;
  return isOwnHost(origin, req.headers.host);
}

function isOwnHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: ofOrigin } = new URL(origin);
  const own = `${protocol}//${host}`;
  // Parsed alike, so that a default port makes no difference.
  return ofOrigin !== '' && URL.canParse(own) && new URL(own).host === ofOrigin;
}

/** Answers `OPTIONS`: the preflight of a listed origin, or what the route allows. */
export function answerPreflight(req: Request, res: Response, methods: string): void {
  const asked = req.headers['access-control-request-headers'];
  res.vary('Access-Control-Request-Headers');
  if (res.hasHeader('Access-Control-Allow-Origin')) {
    res.set('Access-Control-Allow-Methods', methods);
    if (asked !== undefined) res.set('Access-Control-Allow-Headers', asked);
    res.set('Access-Control-Max-Age', PREFLIGHT_SECONDS);
  }
  res.set('Allow', `${methods}, OPTIONS`).status(204).end();
}
