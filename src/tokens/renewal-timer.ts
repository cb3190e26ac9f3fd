import type { AsyncResource } from 'node:async_hooks';
import type { Timers } from '../utils/timers.js';

/** The parts of a {@link RenewalTimer}. */
export interface RenewalTimerParts {
  /** The asynchronous context in which renewals run. */
  outside: AsyncResource;
  timers: Timers;
  /** Whether timers renew the token, and retry after a failure, while no call needs it. */
  autoRenew: boolean;
}

/** The timer of a token source. It renews the token, or retries after a failure, while no call needs it. */
export class RenewalTimer {
  readonly #set: (ms: number) => () => void;
  #isStopped: boolean;
  #clear: () => void = () => undefined;

  /** @param autoRenew - If `false`, the timer is never set. */
  constructor({ autoRenew, outside, timers }: RenewalTimerParts, renew: () => void) {
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
