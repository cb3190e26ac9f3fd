import type http from 'node:http';
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

/**
 * Looks at the very options that Axios's adapter gives to `node:http`.
 *
 * @throws {@link MoovOriginError} when they do not lead to `origin`, directly or through a proxy that was asked for.
 */
export function assertDestination(
  options: http.RequestOptions & { agent?: unknown },
  origin: string,
  request: WireRequest,
): void {
  const { protocol, hostname, port, socketPath, agent } = options;
  const path = options.path ?? '';
  const host = hostname?.includes(':') ? `[${hostname}]` : hostname;
  const target = `${protocol}//${host}${port ? `:${port}` : ''}`;
  const isDirect = target === origin && path.startsWith('/');
  const usesOwnAgent = [undefined, null, request.httpAgent, request.httpsAgent].includes(agent);
  if (!socketPath && isDirect && (usesOwnAgent || request.proxy === false || isProxied(request))) return;
  // A proxy for http gets the whole URL.
  if (!socketPath && path.startsWith(`${origin}/`) && isProxied(request)) return;
  throw elsewhere(origin);
}

function isProxied({ proxy }: WireRequest): boolean {
  return proxy === undefined ? hasProxyVariable(process.env) : proxy !== false;
}

/** Whether the environment itself names a proxy: what it inherits from `Object.prototype` does not count. */
function hasProxyVariable(env: object): boolean {
  return ['all_proxy', 'http_proxy', 'https_proxy'].some(
    (name) => Object.hasOwn(env, name) || Object.hasOwn(env, name.toUpperCase()),
  );
}

function elsewhere(origin: string): MoovOriginError {
  return new MoovOriginError(`Refused before sending: the request would not have gone to ${origin}`);
}
