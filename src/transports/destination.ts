import type http from 'node:http';
import { MoovOriginError } from '../errors.js';
import { proxiesFor } from './proxy-environment.js';
import type { WireRequest } from './transport.js';

/**
 * The path of a request, which is sent as it is.
 *
 * @throws {@link MoovOriginError} for a request to another origin than `origin`.
 */
export function pathTo(origin: string, { baseURL, url }: WireRequest): string {
  if (baseURL !== origin || url === undefined || !url.startsWith('/')) throw elsewhere(origin);
  return url;
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
  if (isDirect && !socketPath) {
    // Any other agent is one that leads through a proxy.
    const agents = [undefined, null, request.httpAgent, request.httpsAgent];
    if (agents.includes(agent) || request.proxy === false || isProxied(origin, request)) return;
  }
  // A proxy for http gets the whole URL.
  if (path.startsWith(`${origin}/`) && !socketPath && isProxied(origin, request, hostname)) return;
  throw elsewhere(origin);
}

/** @param host - Of the proxy, where it is to be one of the environment's own. */
function isProxied(origin: string, { proxy }: WireRequest, host?: string | null): boolean {
  if (proxy !== undefined) return proxy !== false;
  const proxies = proxiesFor(new URL(origin).protocol);
  return host ? proxies.some((one) => one.includes(host)) : proxies.length > 0;
}

function elsewhere(origin: string): MoovOriginError {
  return new MoovOriginError(`Refused before sending: the request would not have gone to ${origin}`);
}
