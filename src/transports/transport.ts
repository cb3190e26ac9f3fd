import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';

/** Axios's class of headers, under the name that both of its builds have. */
export type RequestHeaders = InternalAxiosRequestConfig['headers'];

/** What a transport gets, made by {@link wireRequest}. */
export type WireRequest = InternalAxiosRequestConfig;

/** A request as it was checked, for one attempt. */
export interface WireImage {
  readonly method: string;
  /** Scheme, host and port, as `new URL(baseURL).origin` has them. */
  readonly origin: string;
  /** Begins with "/"; with the path of the base URL and with the query. */
  readonly path: string;
  /** Belongs to this attempt alone: the transport adds what the body asks for. */
  readonly headers: RequestHeaders;
  readonly data: unknown;
  readonly signal: InternalAxiosRequestConfig['signal'];
}

/** The settings that the transports use, beside the image. */
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
 * @param instead - Settings that count in the place of those of the config.
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
 * The request that a transport gets: an object without a prototype, which holds the settings of a fixed list and the
 * image. So no other setting, and no property of `Object.prototype`, has a say in where a request goes.
 */
export function wireRequest(settings: WireSettings, image: WireImage): WireRequest {
  const request = new Prototypeless(image);
  if (image.signal !== undefined) request.signal = image.signal;
  for (const [name, value] of settings) request[name] = value;
  return request;
}

/** A class without anything behind it: taking the prototype off each object would be slow. */
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

/** What a streamed response holds for a reader that is slower than the connection: a few reads of a socket. */
export const STREAM_BUFFER_BYTES = 262_144;

/** What a transport reports of a request while it is on its way. */
export interface TransportObserver {
  /**
   * Whether a response that is to be streamed may be given as its bytes, in a Buffer, when it comes whole with its head.
   * A transport need not do so.
   */
  readonly takesBytes?: boolean;
  /**
   * No byte of the request was given to a connection, and that is proven. Called before the transport rejects. Without
   * it a request counts as sent.
   */
  neverSent(): void;
  /** So many bytes of the request were given to the system. */
  sent(bytes: number): void;
  /** Bytes of the response have come. */
  received(): void;
  /**
   * The head of the response has come, and its body may yet fail.
   *
   * @param response - Makes a response of the head, without a body.
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

/** Sends one request and resolves with any whole response, whatever its status. */
export type Transport = (request: WireRequest, observer: TransportObserver) => Promise<AxiosResponse>;

/** A transport with the connections it keeps. */
export interface Connected {
  readonly send: Transport;
  /** Closes the connections that are idle, and the others as soon as they are; what is sent later opens new ones. */
  release(): void;
}
