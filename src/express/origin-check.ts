import type { Request, Response } from 'express';
import { z } from 'zod';
import { gotInList, typeOf, wording } from '../config/parse-options.js';
import { shownURL } from '../config/schema.js';

/** How long a browser may cache the response to a preflight, in seconds. */
const PREFLIGHT_SECONDS = '600';

/** A host, or an IPv6 address, and a port; no user, path or wildcard. */
const schemeAndHost = /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9._~!$&'()+,;=-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/;

const allowedOrigin = z.string().toLowerCase().refine(isOrigin);

/**
 * The option `allowedOrigins`, in lower case. Any scheme is accepted, because pages of apps and extensions have their
 * own: `capacitor://localhost`, `chrome-extension://<id>`. A form that no browser sends is refused, such as one with the
 * default port of `https`.
 */
export const allowedOrigins = z
  .array(allowedOrigin)
  .default([])
  .transform((list): ReadonlySet<string> => new Set(list))
  .register(wording, {
    expected:
      'a list of origins as scheme and host in the form that browsers send, such as https://app.example.com or capacitor://localhost',
    got: gotOrigins,
  });

/** One origin alone is not a list, however right it is. */
function gotOrigins(value: unknown): string {
  if (!Array.isArray(value)) return typeOf(value);
  return gotInList(value, (entry) => allowedOrigin.safeParse(entry).success, shownURL);
}

function isOrigin(text: string): boolean {
  if (!schemeAndHost.test(text) || !URL.canParse(text)) return false;
  const { origin, protocol } = new URL(text);
  // URL returns no origin for an app's scheme, including `file:`.
  return protocol !== 'file:' && (origin === 'null' || origin === text);
}

/**
 * Whether a request comes from a page that may use the route, as browsers report it: a listed `Origin`; otherwise
 * `Sec-Fetch-Site`; otherwise an `Origin` that is this host. A request without any of these is not from a browser.
 *
 * Sets the CORS headers for a listed origin.
 */
export function admitsOrigin(req: Request, res: Response, allowed: ReadonlySet<string>): boolean {
  res.vary('Origin');
  res.vary('Sec-Fetch-Site');
  const { origin } = req.headers;
  if (origin !== undefined && allowed.has(origin.toLowerCase())) {
    res.set('Access-Control-Allow-Origin', origin);
    res.set('Access-Control-Allow-Credentials', 'true');
    res.set('Access-Control-Expose-Headers', 'Retry-After');
    return true;
  }
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  if (origin === undefined) return true;
  return isOwnHost(origin, req);
}

/**
 * An `https` page of this host is always allowed, because TLS may end at a proxy that Express is not configured to
 * trust. Anyone on the network can forge an `http` page of this host, so it is allowed only if nothing indicates that
 * the host is served over TLS.
 */
function isOwnHost(origin: string, req: Request): boolean {
  const { host } = req.headers;
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: ofOrigin } = new URL(origin);
  if (protocol !== 'https:' && (protocol !== 'http:' || isServedOverTLS(req))) return false;
  const own = `${protocol}//${host}`;
  // Both are parsed, so that a default port makes no difference.
  return URL.canParse(own) && new URL(own).host === ofOrigin;
}

/** The header of an untrusted proxy counts here too, because it can only lead to a refusal. */
function isServedOverTLS(req: Request): boolean {
  const { 'x-forwarded-proto': protocols, forwarded } = req.headers;
  return (
    req.secure || /\bhttps\b/i.test(String(protocols ?? '')) || /\bproto="?https\b/i.test(forwarded ?? '')
  );
}

/** Responds to `OPTIONS`: the preflight of a listed origin, or the allowed methods. */
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
