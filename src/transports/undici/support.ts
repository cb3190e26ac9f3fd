import http from 'node:http';
import https from 'node:https';
import type { InternalAxiosRequestConfig } from 'axios';
import { connectionSettings } from '../../config/reserved-axios-settings.js';
import { proxiesFor } from '../proxy-environment.js';

/** Connection headers, which undici writes itself or refuses. */
const ofConnection = /^(?:connection|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;

/** Names what undici cannot do like Axios's own adapter for a request; `undefined` for most requests. */
export function unsupportedByUndici(config: InternalAxiosRequestConfig): string | undefined {
  // These settings are off when they are false, 0 or empty.
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
 * Whether the environment changes how Axios's own adapter connects: a proxy variable, or global agents with custom
 * settings. Reads the state at the time of the call.
 */
export function detectEnvironment(): {
  proxied: (protocol: string) => boolean;
  agents: boolean;
} {
  const proxies = { 'http:': proxiesFor('http:'), 'https:': proxiesFor('https:') };
  const agents =
    isChanged(http.globalAgent, http.Agent.prototype) || isChanged(https.globalAgent, https.Agent.prototype);
  return { proxied: (protocol) => proxies[protocol === 'https:' ? protocol : 'http:'].length > 0, agents };
}

/** Settings that Node itself sets on its global agents. */
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
