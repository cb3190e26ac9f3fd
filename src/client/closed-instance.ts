import {
  AxiosError,
  AxiosHeaders,
  type AxiosInstance,
  type AxiosInterceptorManager,
  type AxiosRequestTransformer,
  type AxiosResponse,
  type AxiosResponseTransformer,
} from 'axios';
import { reservedSettings } from '../config/reserved-axios-settings.js';
import { type MoovCallInfo, MoovConfigError } from '../errors.js';
import { isObject } from '../utils/value-type.js';
import type { Call } from './call.js';
import { callRequest, hasCallInfo, type RequestSummary, withCallInfo } from './call-info.js';
import { hideBodies } from './private-bodies.js';
import { reservedHeaders } from './validate-request.js';

/** What is known of a call: what became of it, its request, and its config. */
type KnownCall = readonly [
  info: MoovCallInfo,
  request?: RequestSummary | undefined,
  config?: object | undefined,
];

type AxiosTransform = AxiosRequestTransformer | AxiosResponseTransformer;

/** An interceptor of responses, as an application registers it. */
type Interceptor = Parameters<AxiosInstance['interceptors']['response']['use']>;

/**
 * Makes one response interceptor of those that the application has registered, so that what they throw is reported with
 * the call that it is about. After a 2xx the caller has no response, and the call counts as ambiguous.
 *
 * @param calls - By their configs: those with a signal, and all of them where the application has interceptors. Nothing
 * else is thrown after a call has ended, and a WeakMap of every call would take a tenth of the time of each.
 * @returns whether the application has interceptors.
 */
export function interceptOutcomes(client: AxiosInstance, calls: WeakMap<object, Call>): boolean {
  const { response: manager } = client.interceptors;
  const own: Interceptor[] = (manager.handlers ?? [])
    .filter((handler) => handler !== null)
    .map(({ fulfilled, rejected }) => [fulfilled, rejected]);
  manager.clear();

  /** @param callError - The error that the call itself has ended with. */
  const inTurn = (
    outcome: Promise<AxiosResponse>,
    known: KnownCall | undefined,
    callError?: unknown,
  ): Promise<AxiosResponse> => {
    let last = outcome;
    for (const [fulfilled, rejected] of own) last = last.then(fulfilled, rejected);
    return last.catch((error: unknown) => {
      // The call's own error says already what became of it. Another one is of the application's code, which may have
      // made another call, or of an abort that came after the response.
      if (known === undefined || (error === callError && hasCallInfo(error))) throw error;
      throw withCallInfo(error, ...known);
    });
  };
  manager.use(
    own.length === 0
      ? undefined
      : (response) => inTurn(Promise.resolve(response), knownOf(calls.get(response.config))),
    (error: unknown) => inTurn(Promise.reject(error), knownOfError(error, client, calls), error),
  );
  return own.length > 0;
}

function knownOf(call: Call | undefined): KnownCall | undefined {
  return call && [call.infoWithoutResponse, call.request, call.config];
}

/** What is known of the call that an error is about, if it is about one of this instance's. */
function knownOfError(
  error: unknown,
  client: AxiosInstance,
  calls: WeakMap<object, Call>,
): KnownCall | undefined {
  const config = isObject(error) && 'config' in error ? error.config : undefined;
  if (hasCallInfo(error)) return [error.moov, callRequest(error), isObject(config) ? config : undefined];
  if (!isObject(config)) return undefined;
  const call = calls.get(config);
  if (call !== undefined) return knownOf(call);
  // An abort that came before the adapter was called.
  const isOurs = 'adapter' in config && config.adapter === client.defaults.adapter;
  if (!isOurs) return undefined;
  if (error instanceof AxiosError) hideBodies(error);
  const hasSignal = 'signal' in config && config.signal !== undefined;
  return hasSignal ? [{ attempts: 0, ambiguous: false }, undefined, config] : undefined;
}

/**
 * Takes out of an instance's defaults what no call can have. Axios copies its own defaults into each instance, and an
 * application may have set those for another service: an `Authorization` header, for example.
 */
export function dropReserved(defaults: AxiosInstance['defaults']): void {
  for (const name of [...reservedSettings, 'cancelToken', 'httpVersion'] as const) delete defaults[name];
  dropHeaders(defaults.headers);
}

/** Headers stand among the groups of them: those of all methods, and those of one. */
function dropHeaders(headers: object): void {
  for (const [name, value] of Object.entries(headers)) {
    if (reservedHeaders.has(name.trim().toLowerCase())) Reflect.deleteProperty(headers, name);
    else if (isObject(value)) dropHeaders(value);
  }
}

/**
 * Closes an instance that all requests share: what one handler sets on it must not reach another. Defaults,
 * interceptors, `create` and the methods can't be changed, nor used to get around the rules.
 */
export function closeInstance(client: AxiosInstance): void {
  const { defaults } = client;
  for (const name of ['transformRequest', 'transformResponse'] as const) {
    const given = defaults[name];
    if (given !== undefined) Object.assign(defaults, { [name]: [given].flat().map(closedFunction) });
  }
  deepFreeze(defaults);
  closeManager(client.interceptors.request);
  closeManager(client.interceptors.response);
  Object.freeze(client.interceptors);
  Object.defineProperty(client, 'create', { value: closed('create') });
  Object.freeze(Reflect.get(client, 'prototype'));
  Object.freeze(client);
}

/** A transform that nobody can change: Axios calls each by its own `call`, which could be a property of it. */
function closedFunction(transform: AxiosTransform): AxiosTransform {
  const own = function (this: unknown, ...args: unknown[]): unknown {
    return Reflect.apply(transform, this, args);
  };
  return Object.freeze(own);
}

function closeManager<V>(manager: AxiosInterceptorManager<V>): void {
  for (const name of ['use', 'eject', 'clear'] as const) {
    Object.defineProperty(manager, name, { value: closed(`interceptors.${name}`) });
  }
  // Its own, as the one of the prototype is shared with all instances of Axios.
  const forEach: unknown = Reflect.get(manager, 'forEach');
  if (typeof forEach === 'function')
    Object.defineProperty(manager, 'forEach', { value: forEach.bind(manager) });
  for (const handler of manager.handlers ?? []) Object.freeze(handler);
  Object.freeze(manager.handlers);
  Object.freeze(manager);
}

function closed(name: string): () => never {
  return () => {
    throw new MoovConfigError(
      `req.moov is shared by all requests, so ${name} is closed. Use the option "configure", which runs once.`,
    );
  };
}

/** Freezes what belongs to the defaults, and leaves alone what they merely refer to: agents, classes, functions. */
export function deepFreeze(value: unknown): void {
  if (!isObject(value) || Object.isFrozen(value)) return;
  if (value instanceof AxiosHeaders) Object.freeze(value);
  if (value instanceof URLSearchParams) {
    for (const name of ['append', 'delete', 'set', 'sort']) {
      Object.defineProperty(value, name, { value: closed(`defaults.params.${name}`) });
    }
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}
