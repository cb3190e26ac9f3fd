import { isAxiosError, isCancel } from 'axios';
import { attachCallInfo, callRequest, hasCallInfo } from '../client/call-info.js';
import { isMoovAuthError, type MoovCallInfo } from '../errors.js';

/**
 * The failure of a call as users of `fetch` expect it, which says under `moov` what became of the call. Errors of
 * this package, and those that an application's own code has thrown, are handed on as they are.
 *
 * @param signal - The caller's own.
 * @param info - What became of the call, where the error doesn't say so itself. Without either nothing is claimed.
 */
export function fetchFailure(error: unknown, signal: AbortSignal | undefined, info?: MoovCallInfo): unknown {
  if (!(error instanceof Error)) return error;
  const [known, request] = hasCallInfo(error) ? [error.moov, callRequest(error)] : [info];
  const failure = inTermsOfFetch(error, signal);
  if (known !== undefined) attachCallInfo(failure, known, request);
  return failure;
}

function inTermsOfFetch(error: Error, signal: AbortSignal | undefined): Error {
  if (isMoovAuthError(error)) return error;
  if (signal?.aborted && (isCancel(error) || error === signal.reason)) return aborted(signal.reason);
  if (!isAxiosError(error)) return error;
  // One of another service is not about this call.
  if (hasCallInfo(error) && (error.code === 'ECONNABORTED' || error.code === 'ETIMEDOUT')) {
    return new DOMException(error.message, { name: 'TimeoutError', cause: error });
  }
  return new TypeError('fetch failed', { cause: error });
}

/** A new one for each call: many may share a signal and its reason, and what became of them differs. */
function aborted(reason: unknown): DOMException {
  const { name, message } =
    reason instanceof DOMException ? reason : { name: 'AbortError', message: 'This operation was aborted' };
  return new DOMException(message, { name, cause: reason });
}
