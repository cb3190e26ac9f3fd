import type { AsyncResource } from 'node:async_hooks';
import { MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import { type Deferred, deferred } from '../utils/async.js';
import type { AbortSignalLike, Timers } from '../utils/timers.js';
import type { RenewalFailure } from './renewal-failure.js';
import type { ObtainedToken, Token } from './token.js';
import type { TokenRequest } from './token-provider.js';

/** The parts of a token source. All except `obtain`, `scope` and `autoRenew` are shared by the sources of one `MoovAuth`. */
export interface TokenSourceParts {
  obtain: TokenRequest;
  /** The scopes that it requests, space-delimited. */
  scope: string;
  emit: Emit;
  /** Receives the result of a renewal that a revocation overtook. */
  revoke: (token: ObtainedToken) => void;
  /** Receives a token that was replaced by another. */
  retire: (token: Token, successor: Token) => void;
  /** Numbers the tokens of all sources, so that a call can identify its token without keeping it. */
  nextGeneration: () => number;
  /** The asynchronous context in which renewals run. */
  outside: AsyncResource;
  timers: Timers;
  /** Whether timers renew the token, and retry after a failure, while no call needs it. */
  autoRenew: boolean;
}

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

/** The timer of a token source. It renews the token, or retries after a failure, while no call needs it. */
export class RenewalTimer {
  readonly #set: (ms: number) => () => void;
  #isStopped: boolean;
  #clear: () => void = () => undefined;

  /** @param autoRenew - If `false`, the timer is never set. */
  constructor({ autoRenew, outside, timers }: TokenSourceParts, renew: () => void) {
    this.#isStopped = !autoRenew;
    this.#set = (ms) => outside.runInAsyncScope(() => timers.after(ms, renew));
  }

  set(ms: number): void {
    this.#clear();
    if (!this.#isStopped) this.#clear = this.#set(ms);
  }

  clear(): void {
    this.#clear();
  }

  stop(): void {
    this.#clear();
    this.#isStopped = true;
  }
}
