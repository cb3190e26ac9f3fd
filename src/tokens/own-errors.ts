import { type MoovAuthError, MoovUnavailableError } from '../errors.js';

/** What calls after `close()` reject with. */
export function closedError(): MoovAuthError {
  return new MoovUnavailableError('This MoovAuth was closed', { code: 'ERR_MOOV_CLOSED' });
}

/** What a renewal fails with whose results others overtook again and again. */
export function overtaken(): MoovAuthError {
  return new MoovUnavailableError(
    'Revocations, or other holders of its lock, were faster than each new token',
    {
      code: 'ERR_MOOV_ANOTHER_FAILED',
    },
  );
}
