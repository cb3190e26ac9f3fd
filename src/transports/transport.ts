import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';

/** Axios's class of headers, under the name that exists in both of its builds. */
export type RequestHeaders = InternalAxiosRequestConfig['headers'];

/** The input of a transport, created by {@link wireRequest}. */
export type WireRequest = InternalAxiosRequestConfig;

/** A request as it was checked, for one attempt. */
export interface WireImage {
  readonly method: string;
  /** Scheme, host and port, as in `new URL(baseURL).origin`. */
  readonly origin: string;
  /** Starts with "/"; includes the path of the base URL, and the query. */
  readonly path: string;
  /** For this attempt only: the transport adds the headers that the body requires. */
  readonly headers: RequestHeaders;
  readonly data: unknown;
  readonly signal: InternalAxiosRequestConfig['signal'];
}

/** The settings that transports use, in addition to the image. */
const settingsOfTransports = [
  'responseType',
  'responseEncoding',
  'maxContentLength',
  'maxBodyLength',
  'decompress',
  'formDataHeaderPolicy',
  'onUploadProgress',
  'onDownloadProgress',
  'transitional',
  'httpAgent',
  'httpsAgent',
  'proxy',
  'lookup',
  'family',
  'insecureHTTPParser',
  'maxRate',
] as const;

/** Settings for a transport, each read once. */
export type WireSettings = readonly (readonly [name: string, value: unknown])[];

/**
 * Reads the settings that transports use from an Axios config; only its own properties count.
 *
 * @param instead - Settings that replace those of the config.
 */
export function wireSettings(
  config: Partial<InternalAxiosRequestConfig>,
  instead: Readonly<Record<string, unknown>> = {},
): WireSettings {
  const settings: [string, unknown][] = [];
  for (const name of settingsOfTransports) {
    const from = Object.hasOwn(instead, name) ? instead : config;
    if (!Object.hasOwn(from, name)) continue;
    const value: unknown = Reflect.get(from, name);
    if (value !== undefined) settings.push([name, value]);
  }
  return settings;
}

/**
 * Creates the input of a transport: an object without a prototype, with the settings of a fixed list and the image. So
 * no other setting, and no property of `Object.prototype`, can change where a request goes.
 */
export function wireRequest(settings: WireSettings, image: WireImage): WireRequest {
  const request = new Prototypeless(image);
  if (image.signal !== undefined) request.signal = image.signal;
  for (const [name, value] of settings) request[name] = value;
  return request;
}

/** A class without a prototype chain: removing the prototype from each object would be slow. */
class Prototypeless {
  [setting: string]: unknown;
  readonly method: string;
  readonly baseURL: string;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly data: unknown;

  constructor({ method, origin, path, headers, data }: WireImage) {
    this.method = method;
    this.baseURL = origin;
    this.url = path;
    this.headers = headers;
    this.data = data;
  }
}
Object.setPrototypeOf(Prototypeless.prototype, null);

/** How much a streamed response buffers for a reader that is slower than the connection: a few reads of a socket. */
export const STREAM_BUFFER_BYTES = 262_144;

/** What a transport reports while a request is in flight. */
export interface TransportObserver {
  /**
   * Whether a streamed response may be given as a Buffer when all of it arrives together with its headers. Optional for
   * a transport.
   */
  readonly takesBytes?: boolean;
  /**
   * It is proven that no byte of the request was given to a connection. Called before the transport rejects. Without
   * this call, a request counts as sent.
   */
  neverSent(): void;
  /** This many bytes of the request were given to the operating system. */
  sent(bytes: number): void;
  /** Bytes of the response were received. */
  received(): void;
  /**
   * The status line and headers of the response were received. Its body may still fail.
   *
   * @param response - Creates a response with the headers and without a body.
   */
  head(status: number, response: () => AxiosResponse): void;
}

/** For a caller that needs no reports. */
export const unobserved: TransportObserver = {
  neverSent: () => undefined,
  sent: () => undefined,
  received: () => undefined,
  head: () => undefined,
};

/** Sends one request and resolves with any complete response, whatever its status. */
export type Transport = (request: WireRequest, observer: TransportObserver) => Promise<AxiosResponse>;

/** A transport that owns connections. */
export interface Connected {
  readonly send: Transport;
  /** Closes idle connections at once, and the others when they become idle. Later requests open new ones. */
  release(): void;
}
