import { MoovOriginError } from '../errors.js';
import { isPlainPath } from './request-target.js';
import type { WireRequest } from './transport.js';

/**
 * The path of a request as it is sent to `origin`.
 *
 * @throws {@link MoovOriginError} for a request to another origin.
 */
export function pathTo(origin: string, { baseURL, url }: WireRequest): string {
  if (baseURL !== origin || url === undefined || !url.startsWith('/')) throw elsewhere(origin);
  if (isPlainPath(url)) return url;
  const target = new URL(origin + url);
  if (target.origin !== origin) throw elsewhere(origin);
  return target.pathname + target.search;
}

/** The error of a request that would not go where the option `baseURL` leads. */
export function elsewhere(origin: string): MoovOriginError {
  return new MoovOriginError(`Refused before sending: the request would not have gone to ${origin}`);
}
