import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from 'axios';
import { MoovConfigError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Settings } from '../options.js';
import type { TokenSource } from '../tokens/token-source.js';
import { userAgent } from '../version.js';
import { type Agents, authorisedAdapter } from './authorised-adapter.js';
import { axiosTransport, type Transport } from './axios-transport.js';
import { result } from './result.js';
import { retryFailures } from './retries.js';
import { RetryBudget } from './retry-budget.js';
import { assertAdapter } from './target.js';
import { onUnauthorized } from './unauthorized.js';

const LARGEST_REPLY_BYTES = 10 * 1_048_576;

/**
 * Makes the Axios instance that handlers see as `req.moov`.
 *
 * Replays and retries go through a second instance that has the same settings and rules but none of the
 * application's interceptors, so that these see each call once.
 */
export function createMoovClient(
  settings: Settings,
  source: TokenSource,
  emit: Emit,
  transport: Transport = axiosTransport,
): AxiosInstance {
  const agents: Agents = {};
  const adapter = authorisedAdapter(source, { ...settings, transport, agents });
  const config = {
    maxContentLength: LARGEST_REPLY_BYTES,
    ...settings.axios,
    adapter,
    baseURL: settings.baseURL,
    maxRedirects: 0,
    timeout: settings.timeoutMs,
  };
  const budget = settings.retryBudget ? new RetryBudget() : undefined;
  const client = axios.create(config);
  const replay = axios.create(config);

  client.interceptors.request.use(
    (call) => {
      assertAdapter(call, adapter);
      budget?.earn();
      return versioned(call, settings.apiVersion);
    },
    undefined,
    { synchronous: true },
  );
  const unauthorized = onUnauthorized(source, replay, emit);
  for (const instance of [client, replay]) instance.interceptors.response.use(undefined, unauthorized);
  retryFailures(registeringOn(replay, client), { retries: settings.retries, budget, emit });
  client.interceptors.response.use(result.fulfilled, result.rejected);

  settings.configure?.(client);
  withdrawAgents(client, agents);
  withdrawAgents(replay);
  seal(client);
  return client;
}

function versioned(call: InternalAxiosRequestConfig, apiVersion: string): InternalAxiosRequestConfig {
  if (!call.headers.has('X-Moov-Version')) call.headers.set('X-Moov-Version', apiVersion);
  if (!call.headers.has('User-Agent')) call.headers.set('User-Agent', userAgent);
  return call;
}

/**
 * `replay` to axios-retry, except that the response interceptor it registers goes on `client` too: a first attempt's
 * failure is then retried through `replay`.
 */
function registeringOn(replay: AxiosInstance, client: AxiosInstance): AxiosInstance {
  const { request, response } = replay.interceptors;
  const both: typeof response = {
    use: (fulfilled, rejected) => {
      client.interceptors.response.use(fulfilled, rejected);
      return response.use(fulfilled, rejected);
    },
    eject: (id) => response.eject(id),
    clear: () => response.clear(),
  };
  return new Proxy(replay, {
    get: (target, name, receiver) =>
      name === 'interceptors' ? { request, response: both } : Reflect.get(target, name, receiver),
  });
}

/** Takes the agents out of the defaults, where everybody would see them and, through them, the requests on their way. */
function withdrawAgents({ defaults }: AxiosInstance, into: Agents = {}): void {
  for (const name of ['httpAgent', 'httpsAgent'] as const) {
    into[name] = defaults[name];
    delete defaults[name];
  }
}

/** What one handler sets on the shared instance must not reach another: after `configure` nothing can be set. */
function seal(client: AxiosInstance): void {
  deepFreeze(client.defaults);
  for (const manager of [client.interceptors.request, client.interceptors.response]) {
    for (const method of ['use', 'eject', 'clear'] as const) {
      Object.defineProperty(manager, method, {
        value: () => {
          throw new MoovConfigError(
            `req.moov is shared by all requests, so interceptors.${method} is closed. Use the option "configure", which runs once.`,
          );
        },
      });
    }
  }
  for (const name of ['defaults', 'interceptors'] as const) {
    Object.defineProperty(client, name, {
      value: client[name],
      writable: false,
      configurable: false,
      enumerable: true,
    });
  }
}

/** Freezes what belongs to the defaults, and leaves alone what they merely refer to: agents, classes, functions. */
function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}
