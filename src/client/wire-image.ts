import { randomUUID } from 'node:crypto';
import axios, {
  AxiosError,
  AxiosHeaders,
  type AxiosRequestConfig,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { RequestHeaders } from '../transports/transport.js';
import { type CallBody, fixBody, isForm } from './bodies.js';
import { assertHeaders, assertSettings, assertURL, assertWritable } from './validate-request.js';

/**
 * What a call sends, computed once from the config that was checked. Every attempt, replay and retry is made from this:
 * whatever anybody changes on the config afterwards is not sent.
 */
export interface WireImage {
  /** In upper case. */
  readonly method: string;
  readonly origin: string;
  /** With the path of the base URL, and the query. */
  readonly path: string;
  /** Without the bearer token and Moov's Origin, which each attempt adds to a copy of its own. */
  readonly headers: RequestHeaders;
  readonly body: CallBody;
  /** The config's other settings, as they were, and those of the connection. */
  readonly settings: AxiosRequestConfig;
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

/** Takes these settings out of a config or of defaults. */
export function takeConnection(config: ConnectionSettings): ConnectionSettings {
  const taken: ConnectionSettings = {};
  for (const name of ofConnection) {
    if (config[name] !== undefined) Object.assign(taken, { [name]: config[name] });
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
export function wireImage(
  config: InternalAxiosRequestConfig,
  base: Base,
  connection: ConnectionSettings,
): WireImage {
  // Each property is read once: what a getter or a Proxy returned then is checked, and is sent.
  const settings: InternalAxiosRequestConfig = { ...config };
  Object.setPrototypeOf(settings, null);
  const body = fixBody(settings.data);
  try {
    assertURL(settings.url, base.origin);
    const retries = assertSettings(settings, base.url);
    assertWritable(config);
    const headers = fixHeaders(settings.headers);
    assertHeaders(headers, body);
    if (isForm(settings.data)) fixBoundary(headers);
    takeConnection(config);
    for (const name of ofConnection) if (settings[name] === undefined) settings[name] = connection[name];
    const method = String(settings.method ?? 'get').toUpperCase();
    return { method, origin: base.origin, path: pathOf(settings, base), headers, body, settings, retries };
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

/** As Axios's own adapter does it: put together, parsed, and with the query of `params` behind what was parsed. */
function pathOf(config: InternalAxiosRequestConfig, base: Base): string {
  const { url, params, paramsSerializer } = config;
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
