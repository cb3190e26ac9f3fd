import type { AxiosError } from 'axios';
import type { MoovCallInfo } from '../errors.js';

const mark = Symbol.for('express-moov-auth.call');

/** A response or an error that says what became of its call. */
export interface WithCallInfo {
  readonly moov: MoovCallInfo;
}

/** Puts what became of a call on its response or error. A value that can't be extended is left as it is. */
export function attachCallInfo<T extends object>(
  target: T,
  info: MoovCallInfo,
): asserts target is T & WithCallInfo {
  if (!Object.isExtensible(target)) return;
  const moov = Object.freeze({ ...info });
  Object.defineProperty(target, 'moov', { value: moov, enumerable: true, configurable: true });
  Object.defineProperty(target, mark, { value: true, configurable: true });
}

/** Whether {@link attachCallInfo} was here, in whichever build of this package. */
export function hasCallInfo(value: unknown): value is WithCallInfo {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, mark);
}

/**
 * Whether an error comes from a call on `req.moov` or `moov.fetch`, and so says under `moov` what became of the call.
 * It is an Axios error; or one of this package's or of fetch's (a TypeError or a DOMException), which answer an Axios
 * error's questions (`response`, `config`, `isAxiosError`) with what is not true of them.
 *
 * It goes by this package's own mark, so an error of another Axios instance is none.
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
