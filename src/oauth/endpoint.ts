import axios, { AxiosHeaders, type AxiosInstance, type AxiosRequestConfig, isAxiosError } from 'axios';
import type { Credentials } from '../config/connection-options.js';
import { MoovOriginError, MoovUnavailableError } from '../errors.js';
import { targeting } from '../transports/request-target.js';
import { type Transport, wireRequest } from '../transports/transport.js';
import type { Headers } from '../utils/retry-after.js';
import { userAgent } from '../version.js';
import { basic, redactSecrets } from './redact-secrets.js';

/** What both OAuth operations need to know of Moov and of this application. */
export interface EndpointSettings {
  baseURL: string;
  origin: string | undefined;
  apiVersion: string;
  clientAuth: 'basic' | 'body';
  /** Sends the requests; the same one that carries API calls. */
  transport: Transport;
  /** Axios settings of the connection alone: agents, proxy, lookup. */
  connection: AxiosRequestConfig;
}

export interface EndpointRequest {
  path: '/oauth2/token' | '/oauth2/revoke';
  form: Readonly<Record<string, string | undefined>>;
  credentials: Credentials;
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

export interface EndpointResponse {
  status: number;
  headers: Headers;
  /** Parsed JSON; `undefined` for an empty body, and for one that is not JSON. */
  body: unknown;
  /** What kind of body it was that is not JSON, such as `text/html`; absent for JSON and for no body. */
  foreign: string | undefined;
  requestId: string | undefined;
  roundTripMs: number;
}

/** A token reply is a few kilobytes; more is not Moov's. */
const LARGEST_RESPONSE_BYTES = 1_048_576;

const LONGEST_REQUEST_ID = 200;

/** Sends a form to one of Moov's two OAuth endpoints and reads what comes back, judging nothing. */
export class OAuthEndpoint {
  readonly #settings: EndpointSettings;
  readonly #http: AxiosInstance;

  constructor(settings: EndpointSettings) {
    this.#settings = settings;
    const targetOf = targeting();
    this.#http = axios.create({
      ...settings.connection,
      adapter: async (config) => {
        const { method = 'post', headers, data, signal } = config;
        const request = wireRequest(config, { method, ...targetOf(config), headers, data, signal });
        return settings.transport(request, () => undefined);
      },
      baseURL: settings.baseURL,
      method: 'post',
      responseType: 'text',
      // The text is parsed here, where a failure can be told without showing the text.
      transformResponse: [(text: unknown) => text],
      validateStatus: null,
      maxRedirects: 0,
      maxContentLength: LARGEST_RESPONSE_BYTES,
    });
  }

  /**
   * @throws {@link MoovUnavailableError} when no whole reply came: its cause holds the system's error code and
   * message alone, as the client's own error would show the request and with it the key.
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
    const response = await this.#http
      .request<string>({
        url: path,
        data: body.toString(),
        headers: new AxiosHeaders({ 'X-Moov-Version': apiVersion, 'User-Agent': userAgent })
          .set({ ...headers })
          .set({
            Accept: 'application/json',
            'Content-Type': 'application/x-www-form-urlencoded',
            ...(origin === undefined ? {} : { Origin: origin }),
            ...(clientAuth === 'basic' ? { Authorization: basic(clientId, clientSecret) } : {}),
          }),
        signal,
      })
      .catch((error: unknown) => {
        throw unreachable(path, error);
      });
    const { status } = response;
    const clean = redactSecrets(credentials, form.token ?? form.refresh_token);
    const givenId = text(response.headers['x-request-id']);
    const requestId = givenId === undefined ? undefined : clean(givenId).slice(0, LONGEST_REQUEST_ID);
    if (status >= 300 && status < 400) {
      throw new MoovOriginError(
        `${path} was answered with a redirect (${status}), which is not followed. Check baseURL (MOOV_BASE_URL).`,
        { upstreamStatus: status, requestId },
      );
    }
    return {
      status,
      headers: response.headers,
      ...parse(response.data, response.headers['content-type']),
      requestId,
      roundTripMs: performance.now() - sent,
    };
  }
}

function parse(body: unknown, contentType: unknown): Pick<EndpointResponse, 'body' | 'foreign'> {
  const content = typeof body === 'string' ? body.trim() : '';
  if (content === '') return { body: undefined, foreign: undefined };
  try {
    return { body: JSON.parse(content), foreign: undefined };
  } catch {
    const type = text(contentType)?.split(';')[0] ?? 'no content type';
    return { body: undefined, foreign: /\bjson$/i.test(type) ? 'broken JSON' : type };
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function unreachable(path: string, error: unknown): MoovUnavailableError {
  const { code, message } = isAxiosError(error) ? error : { code: undefined, message: String(error) };
  const cause = Object.assign(new Error(message), code === undefined ? {} : { code });
  return new MoovUnavailableError(`${path} gave no whole reply: ${code ?? 'error'}, ${message}`, {
    code: 'ERR_MOOV_NETWORK',
    cause,
  });
}
