import type http from 'node:http';
import { MoovOriginError } from '../errors.js';
import { proxiesFor } from './proxy-environment.js';
import type { WireRequest } from './transport.js';

/**
 * Returns the path of a request, which is sent unchanged.
 *
 * @throws {@link MoovOriginError} for a request to another origin than `origin`.
 */
export function pathTo(origin: string, { baseURL, url }: WireRequest): string {
  if (baseURL !== origin || url === undefined || !url.startsWith('/')) throw elsewhere(origin);
  return url;
}

/**
 * Checks the options that Axios's adapter passes to `node:http`.
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
  if (isDirect && !socketPath) {
    // Any other agent leads through a proxy.
    const agents = [undefined, null, request.httpAgent, request.httpsAgent];
    if (agents.includes(agent) || request.proxy === false || isProxied(origin, request)) return;
  }
  // An http proxy gets the whole URL.
  if (path.startsWith(`${origin}/`) && !socketPath && isProxied(origin, request, hostname)) return;
  throw elsewhere(origin);
}

/** @param host - The host of the proxy, if it must be the one from the environment. */
function isProxied(origin: string, { proxy }: WireRequest, host?: string | null): boolean {
  if (proxy !== undefined) return proxy !== false;
  const proxies = proxiesFor(new URL(origin).protocol);
  return host ? proxies.some((one) => one.includes(host)) : proxies.length > 0;
}

function elsewhere(origin: string): MoovOriginError {
  return new MoovOriginError(`Refused before sending: the request would not have gone to ${origin}`);
}
