import {
  AxiosError,
  type AxiosResponse,
  type AxiosResponseTransformer,
  type InternalAxiosRequestConfig,
} from 'axios';
import { MoovConfigError, MoovOriginError } from '../errors.js';
import type { Emit } from '../events.js';
import { toError } from '../utils/errors.js';
import type { Call, Outcome } from './call.js';
import { attachCallInfo, withCallInfo } from './call-info.js';
import { isOwnEarlierAttempt } from './idempotent-conflict.js';
import { refusalEvent, statusError } from './refusal.js';

/**
 * Ends a call: what the caller gets. The application's `validateStatus` and `transformResponse` see the last outcome
 * alone, once.
 *
 * @returns the response, when the caller accepts it or when it is the result of this call's own earlier attempt.
 * @throws the error of the call, which says what became of it.
 */
export function settle(call: Call, outcome: Outcome, emit: Emit): AxiosResponse {
  const { response, error } = outcome;
  if (response === undefined) {
    const own = withCallInfo(error, call.infoWithoutResponse, call.request, call.config);
    call.image.body.release();
    if (own instanceof AxiosError && own.response !== undefined) guardTransform(call);
    throw own;
  }
  const elsewhere = redirectElsewhere(response, call.request.origin);
  if (elsewhere !== undefined) {
    attachCallInfo(elsewhere, call.info, call.request);
    throw elsewhere;
  }
  const isResult = isOwnEarlierAttempt(response, call);
  if (isResult) call.markDone();
  const refusal = refusalEvent(call, response);
  if (isResult || accepts(call, response.status)) {
    if (refusal !== undefined) emit(refusal);
    attachCallInfo(response, call.info, call.request);
    guardTransform(call);
    return response;
  }
  call.image.body.release();
  const refused = statusError(response);
  if (refusal !== undefined) emit(refusal, refused);
  attachCallInfo(refused, call.infoWithoutResponse, call.request);
  guardTransform(call);
  throw refused;
}

function accepts(call: Call, status: number): boolean {
  const { validateStatus } = call.image;
  try {
    return !validateStatus || validateStatus(status);
  } catch (error) {
    throw withCallInfo(error, call.infoWithoutResponse, call.request, call.config);
  }
}

/**
 * Wraps the application's `transformResponse` for the one time that Axios calls it, as what it throws can't be reported
 * otherwise. The caller's own setting is back before it runs.
 */
function guardTransform(call: Call): void {
  if (call.isDirect) return;
  const { config } = call;
  const { transformResponse } = config;
  const guarded: AxiosResponseTransformer = function (data, headers, status) {
    restore(config, transformResponse);
    try {
      let value: unknown = data;
      for (const transform of [transformResponse ?? []].flat()) {
        value = Reflect.apply(transform, this, [value, headers, status]);
      }
      return value;
    } catch (error) {
      throw withCallInfo(withoutExcerpt(error), call.infoWithoutResponse, call.request, call.config);
    }
  };
  // Axios puts the response on the config while the transforms run.
  if (Object.isExtensible(config) && Reflect.set(config, 'transformResponse', guarded)) return;
  const message = 'The config of a call was made read-only while the call was in flight';
  throw withCallInfo(new MoovConfigError(message), call.infoWithoutResponse, call.request);
}

/** Axios's error for a body that is not JSON, whose message and cause quote the body. */
function withoutExcerpt(thrown: unknown): unknown {
  const error = toError(thrown);
  if (!(error instanceof AxiosError) || error.name !== 'SyntaxError') return thrown;
  const { code, config, request, response } = error;
  return new AxiosError('The body of the response is not JSON', code, config, request, response);
}

function restore(
  config: InternalAxiosRequestConfig,
  transformResponse: InternalAxiosRequestConfig['transformResponse'],
): void {
  if (transformResponse === undefined) Reflect.deleteProperty(config, 'transformResponse');
  else Reflect.set(config, 'transformResponse', transformResponse);
}

function redirectElsewhere(response: AxiosResponse, moov: string): MoovOriginError | undefined {
  const location: unknown = response.headers.location;
  if (response.status < 300 || response.status >= 400 || typeof location !== 'string') return undefined;
  const target = URL.canParse(location, moov)
    ? new URL(location, moov).origin
    : 'a place that cannot be parsed';
  if (target === moov) return undefined;
  return new MoovOriginError(
    `Moov's response redirects to ${target} (${response.status}), which is not followed`,
    { upstreamStatus: response.status },
  );
}
