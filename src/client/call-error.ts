import type { AxiosError } from 'axios';
import type { MoovCallInfo } from '../errors.js';
import { wasTold } from './call.js';

/**
 * Whether an error left `req.moov`, and so says under `moov` what became of the call. It is an Axios error, or one
 * of this package's, which answers an Axios error's questions (`response`, `config`, `isAxiosError`) too.
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
  return wasTold(error);
}
