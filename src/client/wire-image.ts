import { randomUUID } from 'node:crypto';
import axios, {
  AxiosError,
  AxiosHeaders,
  type AxiosRequestConfig,
  type InternalAxiosRequestConfig,
} from 'axios';
import { type RequestHeaders, type WireSettings, wireSettings } from '../transports/transport.js';
import { type CallBody, fixBody, isForm } from './bodies.js';
import { assertHeaders, assertSettings, assertSignal, assertTimeout, assertURL } from './validate-request.js';

/**
 * What a call sends, computed once from the config that was checked. Every attempt, replay and retry is made from this:
 * whatever anybody changes on the config afterwards is not sent.
 */
export interface CallImage {
  /** In upper case. */
  readonly method: string;
  readonly origin: string;
  /** With the path of the base URL, and the query. */
  readonly path: string;
  readonly settings: WireSettings;
  /** Without the bearer token and Moov's Origin, which each attempt adds to a copy of its own. */
  readonly headers: RequestHeaders;
  readonly idempotencyKey: string | undefined;
  readonly body: CallBody;
  readonly signal: InternalAxiosRequestConfig['signal'];
  /** The time for the whole call in milliseconds; 0 stands for no limit, as in Axios. */
  readonly timeoutMs: number;
  readonly responseType: InternalAxiosRequestConfig['responseType'];
  readonly validateStatus: InternalAxiosRequestConfig['validateStatus'];
  /** How often this call may be retried, where it says so itself. */
  readonly retries: number | undefined;
}

/** The base URL in parts. */
export interface Base {
  readonly url: string;
  readonly origin: string;
  /** Without a slash at its end. */
  readonly path: string;
}

export function baseOf(url: string): Base {
  const { origin, pathname } = new URL(url);
  return { url, origin, path: pathname.replace(/\/+$/, '') };
}

const ofConnection = ['httpAgent', 'httpsAgent', 'proxy'] as const;

/** The settings of connections, which are kept out of what callers see: an agent leads to the requests it carries. */
export type ConnectionSettings = Pick<AxiosRequestConfig, (typeof ofConnection)[number]>;

/** Without a prototype, from which somebody's settings could come. */
export function noConnection(): ConnectionSettings {
  const none: ConnectionSettings = {};
  Object.setPrototypeOf(none, null);
  return none;
}

/** Takes these settings out of a config or of defaults. */
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
 * @param connection - The settings of connections that the instance has.
 * @throws {@link MoovOriginError} for a URL that leads elsewhere; {@link MoovConfigError} for a setting or a header that
 * would bypass this package's rules; AxiosError, as Axios has it, for parameters that can't be serialised.
 */
export function callImage(
  config: InternalAxiosRequestConfig,
  base: Base,
  connection: ConnectionSettings,
): CallImage {
  // Each property is read once: what a getter or a Proxy returned then is checked, and is sent.
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
    // A call has no proxy of its own.
    const settings = wireSettings(config, {
      httpAgent,
      httpsAgent,
      proxy: connection.proxy,
      // Of a form's own headers no others count: they come after the check.
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

/** A copy, of texts: a value with a `toString` of its own says the same each time. */
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

/** Gives a multipart form its boundary before the first attempt, so that a second one sends the same bytes. */
function fixBoundary(headers: RequestHeaders): void {
  const contentType: unknown = headers.get('Content-Type');
  if (typeof contentType === 'string' && contentType.includes('boundary=')) return;
  headers.setContentType(`multipart/form-data; boundary=moov-${randomUUID()}`);
}

/** What a URL parser leaves as it is, except dot segments. */
const plain = /^\/(?!\/)[\w\-.~!$&()*+,;=:@%/?|[\]]*$/;

interface Where {
  readonly url: string | undefined;
  readonly params: unknown;
  readonly paramsSerializer: InternalAxiosRequestConfig['paramsSerializer'];
}

/** As Axios's own adapter does it: put together, parsed, and with the query of `params` behind what was parsed. */
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

/** A serialiser of the application's may return any text; a line break would begin another request. */
function sendable(path: string): string {
  if (/^[\x21-\xff]+$/.test(path)) return path;
  throw new TypeError('The serialised params have a character that a URL cannot have');
}
