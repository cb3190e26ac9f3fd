import { setImmediate } from 'node:timers/promises';

/** `setTimeout` fires at once for more than this. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Timers that hold the process open only while their outcome is awaited.
 *
 * A background renewal must not keep a finished program alive; a program that awaits `ready()` must not end
 * before it has its answer. So the timers of one token source are kept here, and `hold` refs them for as long as
 * a promise is awaited.
 */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();
  #holders: number;

  /** @param held - Whether the timers' outcome is always awaited. */
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

/** The shape of a back-off; see {@link backoffMs}. */
export interface Backoff {
  /** How much longer each wait is than the one before. Default 2. */
  growth?: number;
  /** The range of the random factor. Default: from half to all. */
  from?: number;
  to?: number;
}

/**
 * Exponential back-off: `firstMs`, grown for each further retry up to `mostMs`, times a random factor so that callers
 * that failed together do not come back together.
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

/** The part of an AbortSignal that is needed here; Axios takes signals that have no more. */
export interface AbortSignalLike {
  readonly aborted?: boolean | undefined;
  addEventListener?: ((type: 'abort', listener: () => void) => void) | undefined;
  removeEventListener?: ((type: 'abort', listener: () => void) => void) | undefined;
}

/** How long {@link withTimeout} waits, and what it rejects with. */
export interface WaitLimits {
  /** Milliseconds; infinite for no limit. */
  ms: number;
  timers: Timers;
  /** Makes the error of a time-out. */
  timedOut: () => unknown;
  signal?: AbortSignalLike | undefined;
  /** Makes the error of an abort. Default: that of a time-out. */
  aborted?: (() => unknown) | undefined;
}

/**
 * Waits for a result until a time limit or an abort. The work that leads to the result continues.
 *
 * The process stays open while it waits. A process that was itself suspended still gets a result that has arrived in
 * the meantime.
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
