import { MoovUnavailableError } from '../errors.js';
import { type Deferred, deferred } from '../utils/async.js';
import type { AbortSignalLike } from '../utils/timers.js';
import type { RenewalFailure } from './renewal-failure.js';
import type { Token } from './token.js';

/** The outcome of a renewal. `undefined`: it was cancelled, or a revocation overtook it, and its waiters try again. */
export type Outcome = Token | RenewalFailure | undefined;

/**
 * One renewal of a token source, with the callers that wait for it.
 *
 * When the last caller is gone, it is cancelled: its token request leaves the queue, or is not started. A request that
 * was sent to Moov continues, because Moov may have issued its token.
 */
export class Renewal {
  readonly #controller = new AbortController();
  #waiters = 0;
  #isOwned = false;
  #isInvalidated = false;
  readonly #outcome: Deferred<Outcome> = deferred();
  /** Resolves when it has ended and released its lock. */
  readonly ended: Promise<void>;

  /** @param run - Renews the token. It starts at once, and never rejects. */
  constructor(run: (renewal: Renewal) => Promise<Outcome>) {
    this.ended = run(this).then(this.#outcome.resolve);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the source itself waits for it, so that it continues without callers. */
  get isOwned(): boolean {
    return this.#isOwned;
  }

  own(): void {
    this.#isOwned = true;
  }

  disown(): void {
    this.#isOwned = false;
    this.#cancelWithoutWaiters();
  }

  /** Whether a revocation overtook it. Its token must be revoked and never used. */
  get isInvalidated(): boolean {
    return this.#isInvalidated;
  }

  /** Its waiters try again at once. */
  invalidate(): void {
    this.#isInvalidated = true;
    this.#outcome.resolve(undefined);
    this.cancel();
  }

  cancel(): void {
    this.#controller.abort();
  }

  /** Waits for the outcome. Rejects when `signal` aborts. */
  wait(signal: AbortSignalLike | undefined): Promise<Outcome> {
    if (signal?.addEventListener === undefined) {
      this.#waiters++;
      return this.#outcome.promise;
    }
    return new Promise((resolve, reject) => {
      this.#waiters++;
      const leave = () => {
        signal.removeEventListener?.('abort', leave);
        this.#waiters--;
        this.#cancelWithoutWaiters();
        reject(abandonedError());
      };
      signal.addEventListener?.('abort', leave);
      void this.#outcome.promise.then((outcome) => {
        signal.removeEventListener?.('abort', leave);
        resolve(outcome);
      });
    });
  }

  #cancelWithoutWaiters(): void {
    if (this.#waiters === 0 && !this.#isOwned) this.cancel();
  }
}

/** Returns the error for a caller that no longer waits for a token. */
export function abandonedError(): MoovUnavailableError {
  return new MoovUnavailableError('The caller no longer waits for the token', { code: 'ERR_MOOV_TIMEOUT' });
}
