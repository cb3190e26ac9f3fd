import http from 'node:http';
import https from 'node:https';
import type { InternalAxiosRequestConfig } from 'axios';
import { connectionSettings } from '../../config/reserved-axios-settings.js';

/** Headers of the connection itself, which undici writes or refuses. */
const ofConnection = /^(?:connection|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;

/** What of a request undici can't do as Axios's own adapter does, in words; nothing for most requests. */
export function unsupportedByUndici(config: InternalAxiosRequestConfig): string | undefined {
  // These few are off when they are false, 0 or empty.
  const setting = connectionSettings.find((name) => config[name]);
  if (setting !== undefined) return setting;
  const { transitional } = config;
  if (transitional?.advertiseZstdAcceptEncoding) return 'transitional.advertiseZstdAcceptEncoding';
  for (const name of Object.keys(config.headers)) {
    if (ofConnection.test(name) && config.headers[name] !== undefined) return `a "${name}" header`;
  }
  return undefined;
}

/**
 * Whether the program's surroundings change how Axios's own adapter connects, as they were when this is called: a
 * proxy in the environment, or global agents with settings of their own.
 */
export function detectEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): {
  proxied: (protocol: string) => boolean;
  agents: boolean;
} {
  const set = (name: string) => Boolean(env[name.toLowerCase()] || env[name.toUpperCase()]);
  const [forAll, forHTTP, forHTTPS] = [set('all_proxy'), set('http_proxy'), set('https_proxy')];
  const agents =
    isChanged(http.globalAgent, http.Agent.prototype) || isChanged(https.globalAgent, https.Agent.prototype);
  return { proxied: (protocol) => forAll || (protocol === 'https:' ? forHTTPS : forHTTP), agents };
}

/** Settings that Node itself gives its global agents. */
const usual = new Set([
  'keepAlive',
  'scheduling',
  'timeout',
  'noDelay',
  'path',
  'proxyEnv',
  'agentKeepAliveTimeoutBuffer',
  'defaultPort',
  'protocol',
]);

function isChanged(agent: http.Agent, prototype: object): boolean {
  if (Object.getPrototypeOf(agent) !== prototype) return true;
  const options: unknown = Reflect.get(agent, 'options');
  return typeof options !== 'object' || Object.keys(options ?? {}).some((name) => !usual.has(name));
}
