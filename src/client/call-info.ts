import { AxiosError, isAxiosError } from 'axios';
import type { MoovCallInfo } from '../errors.js';
import { toError } from '../utils/errors.js';
import { isObject } from '../utils/value-type.js';
import { hideBodies } from './private-bodies.js';

/** Its value is the {@link RequestSummary} of the call, if it is known. */
const mark = Symbol.for('express-moov-auth.call');

/** What may be shown of a request instead of the request itself, which leads to its headers. */
export interface RequestSummary {
  readonly method: string;
  readonly origin: string;
  /** Without the query, which may hold personal data. */
  readonly path: string;
}

/** A response or an error that says what became of its call. */
export interface WithCallInfo {
  readonly moov: MoovCallInfo;
}

/** Puts what became of a call on its response or error, which has to be this package's own object. */
export function attachCallInfo<T extends object>(
  target: T,
  info: MoovCallInfo,
  request?: RequestSummary,
): asserts target is T & WithCallInfo {
  if (target instanceof AxiosError) hideBodies(target);
  const moov = Object.freeze(info);
  Object.defineProperty(target, 'moov', { value: moov, enumerable: true, configurable: true });
  Object.defineProperty(target, mark, { value: request, configurable: true });
}

/** What became of a call whose caller does not get the response: a 2xx must not read as if Moov had done nothing. */
export function infoWithoutResponse(info: MoovCallInfo, isDone: boolean): MoovCallInfo {
  return { ...info, ambiguous: info.ambiguous || isDone };
}

/**
 * What a call rejects with after the application's own code has thrown: the same error, which says what became of the
 * call. An error that can't say it, or that is about another call, also one to another service, becomes the cause of one
 * that does.
 *
 * A thrown value that is no error is left as it is, unless Moov may have acted.
 *
 * @param config - The call's own, by which its AxiosErrors are known.
 */
export function withCallInfo(
  thrown: unknown,
  info: MoovCallInfo,
  request?: RequestSummary,
  config?: object,
): unknown {
  const given = toError(thrown);
  const isError = given === thrown;
  if (isError && Object.isExtensible(given) && !hasCallInfo(given) && !isOfAnother(given, config)) {
    attachCallInfo(given, info, request);
    return given;
  }
  if (!isError && !info.ambiguous) return thrown;
  const error = new Error(given.message, { cause: thrown });
  attachCallInfo(error, info, request);
  return error;
}

/** Whether an error shows another call as its own. One that the application has made need not show any. */
function isOfAnother(error: Error, config: object | undefined): boolean {
  if (!isAxiosError(error)) return false;
  return [error.config, error.response?.config].some((shown) => shown !== undefined && shown !== config);
}

/** Whether {@link attachCallInfo} was here, in whichever build of this package. */
export function hasCallInfo(value: unknown): value is WithCallInfo {
  return isObject(value) && Object.hasOwn(value, mark);
}

/** The request of the call that an error or a response belongs to; `undefined` when it is not known, or none was made. */
export function callRequest(value: WithCallInfo): RequestSummary | undefined {
  return Reflect.get(value, mark);
}

/**
 * Whether an error comes from a call on `req.moov` or `moov.fetch`. Its `moov` then says what became of the call.
 * Errors of other Axios instances are none.
 *
 * The compiler takes the error for an `AxiosError`. It may also be an error of this package, or a `TypeError` or
 * `DOMException` of fetch. Those have no `response`, `config` or `isAxiosError`; `axios.isAxiosError(error)` tells them
 * apart.
 *
 * @param error - What was caught, of any type.
 * @returns `true` with `error.moov` known to the compiler. Never throws.
 */
export function isMoovCallError(error: unknown): error is AxiosError & {
  /** What became of the call. */
  moov: MoovCallInfo;
} {
  return hasCallInfo(error);
}
