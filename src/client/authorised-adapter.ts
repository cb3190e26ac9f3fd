import {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { MoovOriginError } from '../errors.js';
import type { Token } from '../tokens/token.js';
import type { TokenSupplier } from '../tokens/token-source.js';
import type { Transport } from '../transports/transport.js';
import { isAmbiguousAfter } from './ambiguity.js';
import { Attempt, timeoutError } from './attempt.js';
import { assertBodyLives, fixBoundary, unlinked, watchBody } from './bodies.js';
import { type Call, type CallConfig, callOf, tell } from './call.js';
import type { Connection } from './connection.js';
import { patiently } from './patience.js';
import { shown } from './shown.js';
import { isStream, shielded } from './streams.js';
import { assertSettings, assertTarget } from './target.js';

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
export function authorisedAdapter(tokens: TokenSupplier, settings: AdapterSettings): AxiosAdapter {
  const { baseURL, origin, attemptTimeoutMs, transport, connection } = settings;
  const moov = new URL(baseURL).origin;

  return async (config: CallConfig) => {
    const call = callOf(config, moov, tokens);
    try {
      if (!call.checked) {
        call.checked = true;
        watchBody(config.data);
        assertTarget(config.url, moov);
        assertSettings(config, baseURL);
        fixBoundary(config);
        call.takeConnection(config);
      }
      const token = tokens.take();
      return await send(
        config,
        call,
        token instanceof Promise ? await patiently(token, config, call) : token,
      );
    } catch (error) {
      if (error instanceof Error) tell(error, call.info);
      throw error;
    }
  };

  async function send(config: InternalAxiosRequestConfig, call: Call, token: Token): Promise<AxiosResponse> {
    if (call.leftMs <= 0) throw timeoutError(config, call.timeoutMs);
    assertBodyLives(config);
    const attempt = new Attempt(config, call, attemptTimeoutMs);
    const show = shown(config, call.request);
    call.generation = token.generation;
    call.attempts++;
    call.handed = false;
    call.answered = false;
    let response: AxiosResponse;
    try {
      const wire = onTheWire(config, call, token, attempt.signal);
      response = show.response(
        await transport(wire, () => {
          call.handed = true;
        }),
      );
    } catch (error) {
      attempt.end();
      if (call.handed) call.ambiguous = true;
      throw attempt.timeoutError(call) ?? show.error(error);
    }
    call.answered = true;
    call.ambiguous = isAmbiguousAfter(response.status, call);
    const requestId: unknown = response.headers['x-request-id'];
    if (typeof requestId === 'string') call.requestId = requestId;
    if (response.status !== 401) tokens.accepted(token.generation);
    if (isStream(response.data)) {
      const told = (error: unknown) => attempt.timeoutError(call) ?? show.error(error);
      // Axios's own stream, which counts bytes, does not hand its end on to the connection while it waits for some.
      response.data = shielded(response.data, told, (whole) => (whole ? attempt.end() : attempt.giveUp()));
    } else {
      attempt.end();
    }
    if (response.status >= 200 && response.status < 300) return response;
    call.refusal = redirectElsewhere(response, moov) ?? statusError(response);
    throw call.refusal;
  }

  function onTheWire(
    config: InternalAxiosRequestConfig,
    call: Call,
    token: Token,
    signal: AbortSignal,
  ): InternalAxiosRequestConfig {
    const headers = AxiosHeaders.concat(config.headers, { Authorization: `Bearer ${token.accessToken()}` });
    if (origin !== undefined) headers.set('Origin', origin);
    const data = unlinked(config.data);
    const fixed = { baseURL, timeout: 0, maxRedirects: 0, validateStatus: null };
    return { ...connection, ...config, ...call.connection(), ...fixed, headers, data, signal };
  }
}

/** A status other than 2xx as Axios makes an error of it; what the caller's `validateStatus` says comes last of all. */
export function statusError(response: AxiosResponse): AxiosError {
  const { status, config, request } = response;
  const code = status >= 400 && status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
  return new AxiosError(`Request failed with status code ${status}`, code, config, request, response);
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
