import {
  AxiosHeaders,
  type AxiosInstance,
  type AxiosInterceptorManager,
  type AxiosRequestTransformer,
  type AxiosResponseTransformer,
} from 'axios';
import { reservedSettings } from '../config/reserved-axios-settings.js';
import { MoovConfigError } from '../errors.js';
import { isObject } from '../utils/value-type.js';
import { reservedHeaders } from './validate-request.js';

type AxiosTransform = AxiosRequestTransformer | AxiosResponseTransformer;

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
