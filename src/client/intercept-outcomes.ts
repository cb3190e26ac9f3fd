import { AxiosError, type AxiosInstance, type AxiosResponse } from 'axios';
import type { MoovCallInfo } from '../errors.js';
import { isObject } from '../utils/value-type.js';
import type { Call } from './call.js';
import { callRequest, hasCallInfo, type RequestSummary, withCallInfo } from './call-info.js';
import { hideBodies } from './private-bodies.js';

/** What is known of a call: what became of it, its request, and its config. */
type KnownCall = readonly [
  info: MoovCallInfo,
  request?: RequestSummary | undefined,
  config?: object | undefined,
];

/** An interceptor of responses, as an application registers it. */
type Interceptor = Parameters<AxiosInstance['interceptors']['response']['use']>;

/**
 * Makes one response interceptor of those that the application has registered, so that what they throw is reported with
 * the call that it is about. After a 2xx the caller has no response, and the call counts as ambiguous.
 *
 * @param calls - By their configs: those with a signal, and all of them where the application has interceptors. Nothing
 * else is thrown after a call has ended, and a WeakMap of every call would take a tenth of the time of each.
 * @returns whether the application has interceptors.
 */
export function interceptOutcomes(client: AxiosInstance, calls: WeakMap<object, Call>): boolean {
  const { response: manager } = client.interceptors;
  const own: Interceptor[] = (manager.handlers ?? [])
    .filter((handler) => handler !== null)
    .map(({ fulfilled, rejected }) => [fulfilled, rejected]);
  manager.clear();

  /** @param callError - The error that the call itself has ended with. */
  const inTurn = (
    outcome: Promise<AxiosResponse>,
    known: KnownCall | undefined,
    callError?: unknown,
  ): Promise<AxiosResponse> => {
    let last = outcome;
    for (const [fulfilled, rejected] of own) last = last.then(fulfilled, rejected);
    return last.catch((error: unknown) => {
      // The call's own error says already what became of it. Another one is of the application's code, which may have
      // made another call, or of an abort that came after the response.
      if (known === undefined || (error === callError && hasCallInfo(error))) throw error;
      throw withCallInfo(error, ...known);
    });
  };
  manager.use(
    own.length === 0
      ? undefined
      : (response) => inTurn(Promise.resolve(response), knownOf(calls.get(response.config))),
    (error: unknown) => inTurn(Promise.reject(error), knownOfError(error, client, calls), error),
  );
  return own.length > 0;
}

function knownOf(call: Call | undefined): KnownCall | undefined {
  return call && [call.infoWithoutResponse, call.request, call.config];
}

/** What is known of the call that an error is about, if it is about one of this instance's. */
function knownOfError(
  error: unknown,
  client: AxiosInstance,
  calls: WeakMap<object, Call>,
): KnownCall | undefined {
  const config = isObject(error) && 'config' in error ? error.config : undefined;
  if (hasCallInfo(error)) return [error.moov, callRequest(error), isObject(config) ? config : undefined];
  if (!isObject(config)) return undefined;
  const call = calls.get(config);
  if (call !== undefined) return knownOf(call);
  // An abort that came before the adapter was called.
  const isOurs = 'adapter' in config && config.adapter === client.defaults.adapter;
  if (!isOurs) return undefined;
  if (error instanceof AxiosError) hideBodies(error);
  const hasSignal = 'signal' in config && config.signal !== undefined;
  return hasSignal ? [{ attempts: 0, ambiguous: false }, undefined, config] : undefined;
}
