import {
  MoovAuthError,
  MoovConfigError,
  MoovOriginError,
  MoovTokenError,
  MoovUnavailableError,
} from '../errors.js';
import { retryAfterHeader, retryAfterOf } from '../utils/retry-after.js';
import { backoffMs } from '../utils/timers.js';
import { LONGEST_HOLD_MS } from './token-request-limiter.js';

/** The waits before the first and before the later retries, in milliseconds. */
const FIRST_RETRY_MS = 1_000;
const LATER_RETRY_MS = 15_000;

/** After a refusal, an early retry would most likely be refused too. */
const REFUSED_RETRY_MS = 60_000;

/** A failed renewal: the reason, the number of failures in a row, and when the next retry is due. */
export class RenewalFailure {
  readonly error: MoovAuthError;
  readonly at = new Date();
  readonly #count: number;
  readonly #retryAt: number;

  constructor(error: unknown, previous: RenewalFailure | undefined) {
    this.error =
      error instanceof MoovAuthError
        ? error
        : new MoovUnavailableError('The token request failed', { code: 'ERR_MOOV_NETWORK', cause: error });
    this.#count = previous === undefined ? 1 : previous.#count + 1;
    this.#retryAt = performance.now() + this.#wait();
  }

  /** Milliseconds until the next retry, 0 when it is due. */
  get retryInMs(): number {
    return Math.max(0, this.#retryAt - performance.now());
  }

  /**
   * Returns a new error for one caller, with the current `Retry-After`. Each caller gets its own instance, because call
   * details are attached to it.
   */
  toError(): MoovAuthError {
    const { message, upstreamStatus, requestId } = this.error;
    const details = {
      upstreamStatus,
      requestId,
      headers: retryAfterHeader(this.retryInMs),
      cause: this.error,
    };
    const text = `No token for Moov: ${message}`;
    if (this.error instanceof MoovTokenError) {
      return new MoovTokenError(text, { ...details, code: this.error.code, fields: this.error.fields });
    }
    if (this.error instanceof MoovUnavailableError) {
      return new MoovUnavailableError(text, { ...details, code: this.error.code });
    }
    if (this.error instanceof MoovOriginError) return new MoovOriginError(text, details);
    return new MoovConfigError(message, { cause: this.error });
  }

  #wait(): number {
    if (
      this.error.code === 'ERR_MOOV_CREDENTIALS_REFUSED' ||
      this.error.code === 'ERR_MOOV_TOKEN_REFUSED' ||
      this.error instanceof MoovConfigError
    ) {
      return REFUSED_RETRY_MS;
    }
    const wait = backoffMs(this.#count, FIRST_RETRY_MS, LATER_RETRY_MS, { from: 1, to: 1.1 });
    return Math.max(wait, Math.min(retryAfterOf(this.error) ?? 0, LONGEST_HOLD_MS));
  }
}

/** Returns the error of a renewal whose results were superseded repeatedly. */
export function supersededError(): MoovUnavailableError {
  return new MoovUnavailableError(
    'Gave up: every new token was superseded by a revocation or by another process',
    { code: 'ERR_MOOV_ANOTHER_FAILED' },
  );
}
