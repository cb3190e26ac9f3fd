import axios, { type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { Settings } from '../config/resolve.js';
import { MoovConfigError } from '../errors.js';
import type { Emit } from '../events.js';
import type { TokenSupplier } from '../tokens/token-supplier.js';
import type { Transport } from '../transports/transport.js';
import { userAgent } from '../version.js';
import { authenticatedAdapter } from './authenticated-adapter.js';
import { type Connection, takeConnection } from './connection.js';
import { result } from './result.js';
import { retryFailures } from './retries.js';
import { RetryBudget } from './retry-budget.js';
import { onUnauthorized } from './unauthorized.js';
import { assertAdapter, assertHTTP1 } from './validate-request.js';

const LARGEST_RESPONSE_BYTES = 10 * 1_048_576;

/** Makes the Axios instance of a token source, or gives the one that was made of it before. */
export type MoovClients = (tokens: TokenSupplier) => AxiosInstance;

/**
 * Makes the Axios instances that handlers see as `req.moov`: one for each token source, alike in everything else.
 *
 * Replays and retries of all of them go through one more instance that has the same settings and rules but none of
 * the application's interceptors, so that these see each call once. A call keeps its own adapter there.
 */
export function createMoovClients(settings: Settings, emit: Emit, transport: Transport): MoovClients {
  const config = {
    maxContentLength: LARGEST_RESPONSE_BYTES,
    ...settings.axios,
    baseURL: settings.baseURL,
    maxRedirects: 0,
    timeout: settings.timeoutMs,
  };
  const budget = settings.retryBudget ? new RetryBudget() : undefined;
  const replay = axios.create(config);
  takeConnection(replay.defaults);
  const rules: ResponseRule[] = [];
  const recorded = recordingRules(replay, rules);
  recorded.interceptors.response.use(undefined, onUnauthorized(replay, emit));
  retryFailures(recorded, { retries: settings.retries, budget, emit });
  const made = new WeakMap<TokenSupplier, AxiosInstance>();

  return (tokens) => {
    const known = made.get(tokens);
    if (known !== undefined) return known;
    const client = create(tokens);
    made.set(tokens, client);
    return client;
  };

  function create(tokens: TokenSupplier): AxiosInstance {
    const connection: Connection = {};
    const adapter = authenticatedAdapter(tokens, { ...settings, transport, connection });
    const client = axios.create({ ...config, adapter });
    client.interceptors.request.use(
      (call) => {
        assertAdapter(call, adapter);
        budget?.earn();
        return versioned(call, settings.apiVersion);
      },
      undefined,
      { synchronous: true },
    );
    client.interceptors.response.use(result.fulfilled, inTurn(rules));
    settings.configure?.(client);
    Object.assign(connection, takeConnection(client.defaults));
    assertHTTP1(client.defaults.httpVersion);
    freezeClient(client);
    return client;
  }
}

function versioned(call: InternalAxiosRequestConfig, apiVersion: string): InternalAxiosRequestConfig {
  const { headers } = call;
  let [version, agent] = [false, false];
  for (const name of Object.keys(headers)) {
    if (headers[name] === undefined) continue;
    if (name.length === 14 && name.toLowerCase() === 'x-moov-version') version = true;
    if (name.length === 10 && name.toLowerCase() === 'user-agent') agent = true;
  }
  if (!version) headers.set('X-Moov-Version', apiVersion);
  if (!agent) headers.set('User-Agent', userAgent);
  return call;
}

/** The rules for failures one after the other, and the result last, as one rule: a call that succeeds passes one. */
function inTurn(rules: readonly ResponseRule[]): (error: unknown) => Promise<AxiosResponse> {
  return async (error) => {
    let outcome: Promise<AxiosResponse> = Promise.reject(error);
    for (const [fulfilled, rejected] of rules) outcome = outcome.then(fulfilled, rejected);
    return outcome.then(result.fulfilled, result.rejected);
  };
}

type ResponseRule = Parameters<AxiosInstance['interceptors']['response']['use']>;

/**
 * An instance whose response interceptors are also written down as they are registered, so that first attempts, on
 * other instances, get the same: axios-retry registers its own, and retries through the instance it was given.
 */
function recordingRules(instance: AxiosInstance, rules: ResponseRule[]): AxiosInstance {
  const { request, response } = instance.interceptors;
  const recording: typeof response = {
    use: (...rule) => {
      rules.push(rule);
      return response.use(...rule);
    },
    eject: (id) => response.eject(id),
    clear: () => response.clear(),
  };
  return new Proxy(instance, {
    get: (target, name, receiver) =>
      name === 'interceptors' ? { request, response: recording } : Reflect.get(target, name, receiver),
  });
}

/** What one handler sets on the shared instance must not reach another: after `configure` nothing can be set. */
function freezeClient(client: AxiosInstance): void {
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
