import { inspect } from 'node:util';
import { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { isObject } from '../utils/value-type.js';
import { withoutQuery } from '../utils/without-query.js';
import { invalidFields } from './invalid-fields.js';

const { custom: inspectCustom } = inspect;

/** Stands where a value is left out. */
const HIDDEN = '[not shown]';

/**
 * Keeps bodies and query values of an object out of what prints it: `util.inspect`, and so `console`, and JSON, and so
 * loggers. Its properties stay as they are, for code that reads them and for Axios, which sends a config again.
 */
function printAs<T extends object>(print: (value: T) => object): (value: T) => void {
  // Not enumerable, so that it is not a part of copies.
  const own: PropertyDescriptor & ThisType<T> = {
    value(): object {
      return print(this);
    },
    configurable: true,
    writable: true,
  };
  return (value) => {
    if (!Object.isExtensible(value)) return;
    Object.defineProperty(value, 'toJSON', own);
    Object.defineProperty(value, inspectCustom, own);
  };
}

/** Makes the config of a call print without its body, and without the values of its query. */
export const hideRequestBody = printAs<InternalAxiosRequestConfig>(shownConfig);

/**
 * Makes a response print without its body, but for Moov's error text and the names of the fields that it rejects, and
 * without the query of a `Location`.
 */
export const hideResponseBody = printAs<AxiosResponse>((response) => ({
  ...response,
  headers: shownHeaders(response.headers),
  data: shownBody(response.data, response.status),
}));

/** Makes an error of a call, with its config, print without a body. */
export function hideBodies(error: AxiosError): void {
  const { config } = error;
  if (config !== undefined) hideRequestBody(config);
  // Axios's own goes around the toJSON of the config where the setting `redact` is used.
  Object.defineProperty(error, 'toJSON', { value: shownError, configurable: true, writable: true });
}

function shownError(this: AxiosError & { moov?: unknown }): object {
  const shown = Object.create(this, {
    config: { value: this.config && shownConfig(this.config) },
  });
  return { ...AxiosError.prototype.toJSON.call(shown), moov: this.moov };
}

function shownConfig({ ...config }: InternalAxiosRequestConfig): object {
  if (config.data !== undefined) config.data = HIDDEN;
  if (config.params !== undefined) config.params = shownParams(config.params);
  if (config.url !== undefined) config.url = hideQuery(config.url);
  return config;
}

/** The names of the parameters. */
function shownParams(params: unknown): unknown {
  if (!isObject(params)) return HIDDEN;
  const names = params instanceof URLSearchParams ? params.keys() : Object.keys(params);
  return Object.fromEntries([...names].map((name) => [name, HIDDEN]));
}

/** Headers without the query of a redirect, which may repeat that of the call. */
export function shownHeaders(headers: object): object {
  const shown = Object.entries(headers).map(([name, value]) =>
    /^(content-)?location$/i.test(name) ? [name, hideQuery(String(value))] : [name, value],
  );
  return Object.fromEntries(shown);
}

/** Shows of a URL's query only that there is one. */
export function hideQuery(url: string): string {
  const bare = withoutQuery(url);
  return bare === url ? url : `${bare}?${HIDDEN}`;
}

function shownBody(body: unknown, status: number): unknown {
  if (body === undefined || body === null || body === '') return body;
  if (status < 400 || !isObject(body)) return HIDDEN;
  if ('error' in body && typeof body.error === 'string') return { error: body.error };
  const fields = Object.getPrototypeOf(body) === Object.prototype ? invalidFields(body) : [];
  return fields.length === 0 ? HIDDEN : Object.fromEntries(fields.map((name) => [name, HIDDEN]));
}
