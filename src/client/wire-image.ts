import { randomUUID } from 'node:crypto';
import axios, {
  AxiosError,
  AxiosHeaders,
  type AxiosRequestConfig,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { Base } from '../transports/base-url.js';
import { isForm } from '../transports/body-kinds.js';
import { type RequestHeaders, type WireSettings, wireSettings } from '../transports/transport.js';
import { type CallBody, fixBody } from './bodies.js';
import { assertHeaders, assertSettings, assertSignal, assertTimeout, assertURL } from './validate-request.js';

/**
 * The content of a call, computed once from the checked config. Every attempt, replay and retry is made from it. Later
 * changes to the config are not sent.
 */
export interface CallImage {
  /** In upper case. */
  readonly method: string;
  readonly origin: string;
  /** With the path of the base URL, and the query. */
  readonly path: string;
  readonly settings: WireSettings;
  /** Without the bearer token and the Origin, which each attempt adds to its own copy. */
  readonly headers: RequestHeaders;
  readonly idempotencyKey: string | undefined;
  readonly body: CallBody;
  readonly signal: InternalAxiosRequestConfig['signal'];
  /** The time for the whole call in milliseconds; 0 means no limit, as in Axios. */
  readonly timeoutMs: number;
  readonly responseType: InternalAxiosRequestConfig['responseType'];
  readonly validateStatus: InternalAxiosRequestConfig['validateStatus'];
  /** How often this call may be retried, if it sets that itself. */
  readonly retries: number | undefined;
}

const ofConnection = ['httpAgent', 'httpsAgent', 'proxy'] as const;

/** Connection settings, which are hidden from callers: an agent refers to the requests that it sends. */
export type ConnectionSettings = Pick<AxiosRequestConfig, (typeof ofConnection)[number]>;

/** Without a prototype, from which settings could be inherited. */
export function noConnection(): ConnectionSettings {
  const none: ConnectionSettings = {};
  Object.setPrototypeOf(none, null);
  return none;
}

/** Removes these settings from a config or from defaults. */
export function takeConnection(config: ConnectionSettings): ConnectionSettings {
  const taken = noConnection();
  for (const name of ofConnection) {
    if (Object.hasOwn(config, name)) taken[name] = config[name];
    delete config[name];
  }
  return taken;
}

/**
 * Checks a call and fixes what it sends.
 *
 * @param connection - The connection settings of the instance.
 * @throws {@link MoovOriginError} for a URL that leads elsewhere; {@link MoovConfigError} for a setting or a header
 * that would bypass this package's rules; AxiosError, as from Axios, for parameters that cannot be serialised.
 */
export function callImage(
  config: InternalAxiosRequestConfig,
  base: Base,
  connection: ConnectionSettings,
): CallImage {
  // Each property is read once: the value that a getter or a Proxy returned is checked and sent.
  const { url, method = 'get', params, paramsSerializer, headers: given, data } = config;
  const { signal, timeout = 0, responseType, validateStatus } = config;
  const body = fixBody(data);
  try {
    assertURL(url, base.origin);
    assertTimeout(timeout);
    assertSignal(signal);
    const retries = assertSettings(config, base.url);
    const headers = fixHeaders(given);
    const idempotencyKey = assertHeaders(headers, body);
    if (isForm(data)) fixBoundary(headers);
    const { httpAgent = connection.httpAgent, httpsAgent = connection.httpsAgent } = takeConnection(config);
    // A call cannot set a proxy.
    const settings = wireSettings(config, {
      httpAgent,
      httpsAgent,
      proxy: connection.proxy,
      // Other headers of the form are ignored, because they would be added after the check.
      formDataHeaderPolicy: 'content-only',
    });
    return {
      method: String(method).toUpperCase(),
      origin: base.origin,
      path: pathOf({ url, params, paramsSerializer }, base, config),
      headers,
      idempotencyKey,
      body,
      settings,
      signal,
      timeoutMs: timeout,
      responseType,
      validateStatus,
      retries,
    };
  } catch (error) {
    body.release();
    throw error;
  }
}

/** Copies values as text, because a custom `toString` could return another value each time. */
function fixHeaders(given: RequestHeaders): RequestHeaders {
  const headers = new AxiosHeaders();
  for (const name of Object.keys(given)) {
    const value: unknown = given[name];
    if (value === undefined) continue;
    if (typeof value === 'string' || value === null || value === false) headers[name] = value;
    else headers[name] = Array.isArray(value) ? value.map(String) : String(value);
  }
  return headers;
}

/** Sets the boundary of a multipart form before the first attempt, so that later ones send the same bytes. */
function fixBoundary(headers: RequestHeaders): void {
  const contentType: unknown = headers.get('Content-Type');
  if (typeof contentType === 'string' && contentType.includes('boundary=')) return;
  headers.setContentType(`multipart/form-data; boundary=moov-${randomUUID()}`);
}

/** A path that a URL parser does not change, except for dot segments. */
const plain = /^\/(?!\/)[\w\-.~!$&()*+,;=:@%/?|[\]]*$/;

interface Where {
  readonly url: string | undefined;
  readonly params: unknown;
  readonly paramsSerializer: InternalAxiosRequestConfig['paramsSerializer'];
}

/** As in Axios's own adapter: joined, parsed, and then the query of `params` is appended. */
function pathOf(
  { url, params, paramsSerializer }: Where,
  base: Base,
  config: InternalAxiosRequestConfig,
): string {
  if (url !== undefined && !params && plain.test(url) && !url.includes('/.')) return base.path + url;
  const { pathname, search } = new URL(axios.getUri({ baseURL: base.url, ...(url ? { url } : {}) }));
  const path = pathname + search;
  if (!params) return path;
  try {
    return sendable(
      axios.getUri({
        url: path,
        params,
        ...(paramsSerializer === undefined ? {} : { paramsSerializer }),
      }),
    );
  } catch (error) {
    throw error instanceof Error ? AxiosError.from(error, AxiosError.ERR_BAD_REQUEST, config) : error;
  }
}

/** A serialiser of the application may return any text; a line break would start another request. */
function sendable(path: string): string {
  if (/^[\x21-\xff]+$/.test(path)) return path;
  throw new TypeError('The serialised params have a character that a URL cannot have');
}
