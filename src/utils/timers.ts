/** `setTimeout` fires at once for more than this. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Timers that hold the process open only while somebody awaits what they lead to.
 *
 * A background renewal must not keep a finished program alive; a program that awaits `ready()` must not end
 * before it has its answer. So the timers of one token source are kept here, and `hold` refs them for as long as
 * a promise is awaited.
 */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();
  #holders: number;

  /** @param held - Whether somebody awaits the timers' outcome in any case. */
  constructor(held = false) {
    this.#holders = held ? 1 : 0;
  }

  /**
   * @param ms - Clamped to what a timer can do, about 24.8 days.
   * @returns a function that clears the timer.
   */
  after(ms: number, callback: () => void): () => void {
    const timer = setTimeout(
      () => {
        this.#running.delete(timer);
        callback();
      },
      Math.min(Math.max(0, ms), LONGEST_TIMER_MS),
    );
    if (this.#holders === 0) timer.unref();
    this.#running.add(timer);
    return () => {
      clearTimeout(timer);
      this.#running.delete(timer);
    };
  }

  /** @returns a promise that resolves after `ms`, or at once, without an error, when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const clear = this.after(ms, done);
      signal?.addEventListener('abort', done);
      function done(): void {
        clear();
        signal?.removeEventListener('abort', done);
        resolve();
      }
    });
  }

  /** Keeps the process open, for the sake of these timers, until `promise` is settled; passes it on. */
  async hold<T>(promise: Promise<T>): Promise<T> {
    if (this.#holders++ === 0) for (const timer of this.#running) timer.ref();
    try {
      return await promise;
    } finally {
      if (--this.#holders === 0) for (const timer of this.#running) timer.unref();
    }
  }
}
