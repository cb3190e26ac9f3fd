import {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { MoovOriginError } from '../errors.js';
import type { Token } from '../tokens/token.js';
import type { TokenSupplier } from '../tokens/token-supplier.js';
import { targeting } from '../transports/request-target.js';
import {
  type RequestHeaders,
  type Transport,
  type WireRequest,
  wireRequest,
} from '../transports/transport.js';
import { isAmbiguousAfter } from './ambiguity.js';
import { Attempt, timeoutError } from './attempt.js';
import { assertBodyLives, fixBoundary, unlinked, watchBody } from './bodies.js';
import { attachCallInfo, type Call, type CallConfig, callOf } from './call.js';
import type { Connection } from './connection.js';
import { redactError, redactResponse } from './redact.js';
import { isStream, shielded } from './streams.js';
import { assertSettings, assertURL } from './validate-request.js';
import { waitForToken } from './wait-for-token.js';

export interface AdapterSettings {
  baseURL: string;
  origin?: string | undefined;
  attemptTimeoutMs: number;
  transport: Transport;
  connection: Connection;
}

/**
 * The boundary at which a call gets its token: on a copy of the config that lives no longer than the attempt, so
 * that nothing a handler or a log can reach ever holds it.
 */
export function authenticatedAdapter(tokens: TokenSupplier, settings: AdapterSettings): AxiosAdapter {
  const { baseURL, origin, attemptTimeoutMs, transport, connection } = settings;
  const moov = new URL(baseURL).origin;
  const targetOf = targeting();

  return async (config: CallConfig) => {
    const call = callOf(config, moov, tokens);
    try {
      if (!call.checked) check(config, call);
      const token = tokens.get();
      return await send(
        config,
        call,
        token instanceof Promise ? await waitForToken(token, config, call) : token,
      );
    } catch (error) {
      if (error instanceof Error) attachCallInfo(error, call.info);
      throw error;
    }
  };

  function check(config: InternalAxiosRequestConfig, call: Call): void {
    call.checked = true;
    if (config.data !== undefined) watchBody(config.data);
    assertURL(config.url, moov);
    assertSettings(config, baseURL);
    if (config.data !== undefined) fixBoundary(config);
    call.takeConnection(config);
  }

  /** Not asynchronous itself: a call waits for one promise, which is the transport's. */
  function send(config: InternalAxiosRequestConfig, call: Call, token: Token): Promise<AxiosResponse> {
    if (call.leftMs <= 0) throw timeoutError(config, call.timeoutMs);
    if (config.data !== undefined) assertBodyLives(config);
    const attempt = new Attempt(config, call, attemptTimeoutMs);
    call.generation = token.generation;
    call.attempts++;
    call.maybeSent = true;
    call.responded = false;
    const neverSent = () => {
      call.maybeSent = false;
    };
    return transport(onTheWire(config, call, token, attempt), neverSent).then(
      (reply) => conclude(redactResponse(reply, config, call.request), call, token, attempt),
      (error: unknown) => {
        attempt.end();
        if (call.maybeSent) call.ambiguous = true;
        throw attempt.timeoutError(call) ?? redactError(error, config, call.request);
      },
    );
  }

  function conclude(response: AxiosResponse, call: Call, token: Token, attempt: Attempt): AxiosResponse {
    const { status, data, config } = response;
    call.responded = true;
    call.ambiguous = isAmbiguousAfter(status, call);
    const requestId: unknown = response.headers['x-request-id'];
    if (typeof requestId === 'string') call.requestId = requestId;
    if (status !== 401) tokens.accepted(token.generation);
    if (isStream(data)) {
      const told = (error: unknown) => attempt.timeoutError(call) ?? redactError(error, config, call.request);
      // Axios's own stream, which counts bytes, does not hand its end on to the connection while it waits for some.
      response.data = shielded(data, told, (whole) => (whole ? attempt.end() : attempt.giveUp()));
    } else {
      attempt.end();
    }
    if (status >= 200 && status < 300) return response;
    call.refusal = redirectElsewhere(response, moov) ?? statusError(response);
    throw call.refusal;
  }

  function onTheWire(
    config: InternalAxiosRequestConfig,
    call: Call,
    token: Token,
    { signal }: Attempt,
  ): WireRequest {
    return wireRequest(
      { ...connection, ...config, ...call.connection() },
      {
        method: config.method ?? 'get',
        ...targetOf(config.baseURL === baseURL ? config : { ...config, baseURL }),
        headers: authenticated(config.headers, token),
        data: config.data === undefined ? undefined : unlinked(config.data),
        signal,
      },
    );
  }

  /** A plain copy: the headers have been through Axios's own checks, and the two set here are this package's. */
  function authenticated(given: RequestHeaders, token: Token): RequestHeaders {
    const headers = new AxiosHeaders();
    for (const name of Object.keys(given)) {
      if (origin !== undefined && name.length === 6 && name.toLowerCase() === 'origin') continue;
      headers[name] = given[name];
    }
    headers.Authorization = `Bearer ${token.accessToken()}`;
    if (origin !== undefined) headers.Origin = origin;
    return headers;
  }
}

/** Moov's 401 and 403 have no body, so what they can mean is said here. */
const meanings: Readonly<Record<number, string>> = {
  401: ': the token is expired or revoked, or used with an Origin that is not registered with the API key, or for the wrong account',
  403: ': the token lacks the scope of this call, or has it for another account',
};

/** A status other than 2xx as Axios makes an error of it; what the caller's `validateStatus` says comes last of all. */
export function statusError(response: AxiosResponse): AxiosError {
  const { status, config, request } = response;
  const code = status >= 400 && status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
  const message = `Request failed with status code ${status}${meanings[status] ?? ''}`;
  return new AxiosError(message, code, config, request, response);
}

function redirectElsewhere(response: AxiosResponse, moov: string): MoovOriginError | undefined {
  const location: unknown = response.headers.location;
  if (response.status < 300 || response.status >= 400 || typeof location !== 'string') return undefined;
  const target = URL.canParse(location, moov)
    ? new URL(location, moov).origin
    : 'a place that cannot be parsed';
  if (target === moov) return undefined;
  return new MoovOriginError(
    `Moov's reply redirects to ${target} (${response.status}), which is not followed`,
    {
      upstreamStatus: response.status,
    },
  );
}
