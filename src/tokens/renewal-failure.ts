import {
  MoovAuthError,
  MoovConfigError,
  MoovOriginError,
  MoovTokenError,
  MoovUnavailableError,
} from '../errors.js';
import { retryAfterHeader } from '../oauth/endpoint.js';
import { LONGEST_HOLD_MS } from './token-request-limiter.js';

/** The waits before the first probes, in milliseconds, and before each one after them. */
const FIRST_PROBES_MS = [1_000, 2_000, 4_000, 8_000] as const;
const LATER_PROBE_MS = 15_000;

/** What Moov refuses now it will most likely refuse in a second. */
const REFUSED_PROBE_MS = 60_000;

/** That no token could be obtained, why, how often in a row, and when the next probe is due. */
export class RenewalFailure {
  readonly error: MoovAuthError;
  readonly at = new Date();
  readonly #count: number;
  readonly #probeAt: number;

  constructor(error: unknown, previous: RenewalFailure | undefined) {
    this.error =
      error instanceof MoovAuthError
        ? error
        : new MoovUnavailableError('The token request failed', { code: 'ERR_MOOV_NETWORK', cause: error });
    this.#count = previous === undefined ? 1 : previous.#count + 1;
    this.#probeAt = performance.now() + this.#wait();
  }

  /** Milliseconds until the next probe, 0 when it is due. */
  get retryInMs(): number {
    return Math.max(0, this.#probeAt - performance.now());
  }

  /**
   * A new error for one caller, with a `Retry-After` as of now. Callers do not share one, as each learns of his
   * own call from it.
   */
  toError(): MoovAuthError {
    const { message, upstreamStatus, requestId } = this.error;
    const told = { upstreamStatus, requestId, headers: retryAfterHeader(this.retryInMs), cause: this.error };
    const text = `No token for Moov: ${message}`;
    if (this.error instanceof MoovTokenError) {
      return new MoovTokenError(text, { ...told, code: this.error.code, fields: this.error.fields });
    }
    if (this.error instanceof MoovUnavailableError) {
      return new MoovUnavailableError(text, { ...told, code: this.error.code });
    }
    if (this.error instanceof MoovOriginError) return new MoovOriginError(text, told);
    return new MoovConfigError(message);
  }

  #wait(): number {
    if (
      this.error.code === 'ERR_MOOV_CREDENTIALS_REFUSED' ||
      this.error.code === 'ERR_MOOV_TOKEN_REFUSED' ||
      this.error instanceof MoovConfigError
    ) {
      return REFUSED_PROBE_MS;
    }
    const step = FIRST_PROBES_MS[this.#count - 1] ?? LATER_PROBE_MS;
    const asked = Number(this.error.headers?.['Retry-After'] ?? 0) * 1000;
    return Math.max(step * (1 + Math.random() * 0.1), Math.min(asked, LONGEST_HOLD_MS));
  }
}
