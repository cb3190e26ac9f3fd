import type { Readable } from 'node:stream';
import axios, { AxiosHeaders, type CreateAxiosDefaults, type InternalAxiosRequestConfig } from 'axios';
import type { Credentials } from '../config/connection-options.js';
import { MoovOriginError, MoovUnavailableError } from '../errors.js';
import { type Base, baseOf } from '../transports/base-url.js';
import {
  type Transport,
  unobserved,
  type WireSettings,
  wireRequest,
  wireSettings,
} from '../transports/transport.js';
import { plainRequestID } from '../utils/request-id.js';
import type { Headers } from '../utils/retry-after.js';
import { userAgent } from '../version.js';
import { basicAuthorization } from './basic-authorization.js';
import { redactSecrets } from './redact-secrets.js';
import { type EndpointContent, readContent, readFailureContent, withoutRequest } from './response-body.js';

/** The settings of both OAuth operations. */
export interface EndpointSettings {
  baseURL: string;
  origin?: string | undefined;
  apiVersion: string;
  clientAuth: 'basic' | 'body';
  /** Only the settings for the connection are used: agents, proxy, lookup. */
  axios?: CreateAxiosDefaults | undefined;
}

export interface EndpointRequest {
  path: '/oauth2/token' | '/oauth2/revoke';
  form: Readonly<Record<string, string | undefined>>;
  credentials: Credentials;
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

export interface EndpointResponse extends EndpointContent {
  status: number;
  headers: Headers;
  requestId: string | undefined;
  roundTripMs: number;
}

/** Sends a form to one of Moov's two OAuth endpoints and reads the response, without interpreting it. */
export class OAuthEndpoint {
  readonly #settings: EndpointSettings;
  readonly #transport: Transport;
  readonly #base: Base;
  readonly #wireSettings: WireSettings;

  /** @param transport - Sends the requests; the same transport as for API calls. */
  constructor(settings: EndpointSettings, transport: Transport) {
    this.#settings = settings;
    this.#transport = transport;
    this.#base = baseOf(settings.baseURL);
    // The status is known before the body is read, and does not depend on it.
    this.#wireSettings = wireSettings({
      ...connectionOf(settings.axios),
      responseType: 'stream',
    });
  }

  /**
   * @throws {@link MoovUnavailableError} when no complete response was received. Its cause has only the system's error
   * code and message, because the HTTP client's own error would contain the request and so the key.
   * @throws {@link MoovOriginError} for a redirect, which is never followed.
   */
  async post({ path, form, credentials, headers, signal }: EndpointRequest): Promise<EndpointResponse> {
    const { origin, apiVersion, clientAuth } = this.#settings;
    const { clientId, clientSecret } = credentials;
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(form)) if (value !== undefined) body.set(name, value);
    if (clientAuth === 'body') {
      body.set('client_id', clientId);
      body.set('client_secret', clientSecret);
    }
    const sent = performance.now();
    const request = wireRequest(this.#wireSettings, {
      method: 'POST',
      origin: this.#base.origin,
      path: this.#base.path + path,
      headers: new AxiosHeaders({ 'X-Moov-Version': apiVersion, 'User-Agent': userAgent })
        .set({ ...headers })
        .set({
          Accept: 'application/json',
          'Content-Type': 'application/x-www-form-urlencoded',
          ...(origin === undefined ? {} : { Origin: origin }),
          ...(clientAuth === 'basic' ? { Authorization: basicAuthorization(clientId, clientSecret) } : {}),
        }),
      data: body.toString(),
      signal,
    });
    const response = await this.#transport(request, unobserved).catch((error: unknown) => {
      throw unreachable(path, error);
    });
    const { status, headers: received } = response;
    const stream: Readable = response.data;
    const clean = redactSecrets(credentials, form.token ?? form.refresh_token);
    const givenID: unknown = received['x-request-id'];
    const requestId = typeof givenID === 'string' ? plainRequestID(clean(givenID)) : undefined;
    if (status >= 300 && status < 400) {
      stream.destroy();
      throw new MoovOriginError(
        `${path} was answered with a redirect (${status}), which is not followed. Check baseURL (MOOV_BASE_URL).`,
        { upstreamStatus: status, requestId },
      );
    }
    const read = status < 300 ? readContent : readFailureContent;
    const content = await read(stream, received['content-type']).catch((error: unknown) => {
      throw unreachable(path, error);
    });
    return { status, headers: received, ...content, requestId, roundTripMs: performance.now() - sent };
  }
}

function unreachable(path: string, error: unknown): MoovUnavailableError {
  const cause = withoutRequest(error);
  return new MoovUnavailableError(
    `${path} gave no complete response: ${cause.code ?? 'error'}, ${cause.message}`,
    { code: 'ERR_MOOV_NETWORK', cause },
  );
}

/**
 * Interceptors, transforms and headers are for API calls only; connection settings are for all requests, also those that
 * are set for the whole program.
 */
function connectionOf(config: CreateAxiosDefaults = {}): Partial<InternalAxiosRequestConfig> {
  const names = ['proxy', 'httpAgent', 'httpsAgent', 'lookup', 'family'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const source = [config, axios.defaults].find(
        (one) => Object.hasOwn(one, name) && one[name] !== undefined,
      );
      return source === undefined ? [] : [[name, source[name]]];
    }),
  );
}
