import { setImmediate } from 'node:timers/promises';

/** Above this, `setTimeout` fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Timers that keep the process open only while their outcome is awaited.
 *
 * A background renewal must not keep a finished program running, and a program that awaits `ready()` must not end
 * before the result. So the timers of one token source are collected here, and `hold` refs them while a promise is
 * awaited.
 */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();
  #holders: number;

  /** @param held - Whether the outcome of the timers is always awaited. */
  constructor(held = false) {
    this.#holders = held ? 1 : 0;
  }

  /**
   * @param ms - Clamped to the longest possible timer, about 24.8 days.
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

  /** Keeps the process open until `promise` is settled, and returns it. */
  async hold<T>(promise: Promise<T>): Promise<T> {
    if (this.#holders++ === 0) for (const timer of this.#running) timer.ref();
    try {
      return await promise;
    } finally {
      if (--this.#holders === 0) for (const timer of this.#running) timer.unref();
    }
  }
}

/** The shape of a back-off; see {@link backoffMs}. */
export interface Backoff {
  /** The factor between two waits. Default 2. */
  growth?: number;
  /** The range of the random factor. Default: from 0.5 to 1. */
  from?: number;
  to?: number;
}

/**
 * Computes an exponential back-off: `firstMs`, growing with each retry up to `mostMs`, times a random factor, so that
 * callers that failed together do not retry together.
 *
 * @param retry - 1 for the first retry.
 */
export function backoffMs(
  retry: number,
  firstMs: number,
  mostMs: number,
  { growth = 2, from = 0.5, to = 1 }: Backoff = {},
): number {
  return Math.min(mostMs, firstMs * growth ** (retry - 1)) * (from + Math.random() * (to - from));
}

/** The members of an AbortSignal that are needed here; Axios accepts signals with only these. */
export interface AbortSignalLike {
  readonly aborted?: boolean | undefined;
  addEventListener?: ((type: 'abort', listener: () => void) => void) | undefined;
  removeEventListener?: ((type: 'abort', listener: () => void) => void) | undefined;
}

/** The time limit of {@link withTimeout}, and its errors. */
export interface WaitLimits {
  /** Milliseconds; `Infinity` for no limit. */
  ms: number;
  timers: Timers;
  /** Creates the error of a time-out. */
  timedOut: () => unknown;
  signal?: AbortSignalLike | undefined;
  /** Creates the error of an abort. Default: the error of a time-out. */
  aborted?: (() => unknown) | undefined;
}

/**
 * Waits for a result until a time limit or an abort. The work that leads to the result continues.
 *
 * The process stays open while it waits. After the process itself was suspended, a result that arrived in the meantime
 * still counts.
 */
export function withTimeout<T>(
  result: Promise<T>,
  { ms, timers, timedOut, signal, aborted = timedOut }: WaitLimits,
): Promise<T> {
  return timers.hold(
    new Promise<T>((resolve, reject) => {
      const late = () => void setImmediate().then(() => reject(timedOut()));
      const clear = Number.isFinite(ms) ? timers.after(ms, late) : () => undefined;
      const abort = () => reject(aborted());
      signal?.addEventListener?.('abort', abort);
      if (signal?.aborted) abort();
      result.then(resolve, reject).finally(() => {
        clear();
        signal?.removeEventListener?.('abort', abort);
      });
    }),
  );
}
