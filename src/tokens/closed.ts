import { type MoovAuthError, MoovUnavailableError } from '../errors.js';

/** What calls after `close()` reject with. */
export function closedError(): MoovAuthError {
  return new MoovUnavailableError('This MoovAuth was closed', { code: 'ERR_MOOV_CLOSED' });
}
