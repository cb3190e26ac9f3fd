import type { Timers } from './timers.js';

/**
 * A signal that aborts when a time is up, or when another signal does, with its reason. Node 20 may collect the signals
 * of `AbortSignal.timeout()` and `AbortSignal.any()` before they fire.
 */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #clearTimer: () => void;
  #isTimeUp = false;
  readonly #abort = () => this.#controller.abort(this.#outer?.reason);

  /** @param ms - Milliseconds; `Infinity` for no limit. */
  constructor(ms: number, timers: Timers, outer: AbortSignal | undefined) {
    this.#outer = outer;
    const late = () => {
      this.#isTimeUp = true;
      this.#controller.abort(new DOMException(`timeout of ${ms}ms exceeded`, 'TimeoutError'));
    };
    this.#clearTimer = Number.isFinite(ms) ? timers.after(ms, late) : () => undefined;
    outer?.addEventListener('abort', this.#abort);
    if (outer?.aborted) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isTimeUp(): boolean {
    return this.#isTimeUp;
  }

  /** Ends the limit: the signal no longer aborts. */
  clear(): void {
    this.#clearTimer();
    this.#outer?.removeEventListener('abort', this.#abort);
  }
}
