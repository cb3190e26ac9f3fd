import type { AxiosError } from 'axios';
import type { MoovCallInfo } from '../errors.js';
import { hasCallInfo } from './call.js';

/**
 * Whether an error left `req.moov` or `moov.fetch`, and so says under `moov` what became of the call. It is an Axios
 * error; or one of this package's or of fetch's (a TypeError or a DOMException), which answer an Axios error's
 * questions (`response`, `config`, `isAxiosError`) with what is not true of them.
 *
 * Goes by this package's own mark, so that an error of another Axios instance is none.
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
