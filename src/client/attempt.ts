import { AxiosError, type GenericAbortSignal, type InternalAxiosRequestConfig } from 'axios';
import { LONGEST_TIMER_MS } from '../utils/timers.js';

type Listener = (() => void) | { handleEvent(): void };

/** A signal as transports take it, without the costs of an AbortController, which every attempt would have. */
export class LightSignal implements GenericAbortSignal {
  aborted = false;
  #listeners: Set<Listener> | undefined;

  addEventListener(_type: 'abort', listener: Listener): void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    this.#listeners?.delete(listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of [...(this.#listeners ?? [])]) {
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
    this.#listeners = undefined;
  }
}

/**
 * The slowest line that is reckoned with, in bytes per millisecond: 1 Mbit/s. The system takes a few megabytes at once,
 * and does not say when they have left the machine.
 */
const SLOWEST_LINE = 125;

/** The limits of one attempt. */
export interface AttemptLimits {
  /** The caller's own signal. */
  signal: GenericAbortSignal | undefined;
  /** Milliseconds in which nothing moves: no byte is received, and those sent had the time to leave. */
  idleMs: number;
  /** Milliseconds left of the whole call; infinite without a limit. */
  leftMs: number;
}

/**
 * The time and the abort of one attempt, in one signal: the caller's own signal, the time in which nothing moves, and
 * what is left of the call. A large file on a slow line takes as long as the call may take.
 */
export class Attempt {
  readonly #signal = new LightSignal();
  readonly #limits: AttemptLimits;
  readonly #end: number;
  /** When bytes were last received, or will have left the machine on the slowest line. */
  #activeAt: number;
  #timer: NodeJS.Timeout | undefined;
  #timedOut: 'idle' | 'call' | undefined;
  readonly #abort = () => this.#signal.abort();

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
    this.#activeAt = performance.now();
    this.#end = this.#activeAt + limits.leftMs;
    this.#wait(Math.min(limits.idleMs, limits.leftMs));
    limits.signal?.addEventListener?.('abort', this.#abort);
    if (limits.signal?.aborted) this.#abort();
  }

  get signal(): GenericAbortSignal {
    return this.#signal;
  }

  /** Bytes of the request were given to the system. */
  sent(bytes: number): void {
    this.#activeAt = Math.max(this.#activeAt, performance.now()) + bytes / SLOWEST_LINE;
  }

  /** Bytes of the response have come, so the request has left. */
  received(): void {
    this.#activeAt = performance.now();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#limits.signal?.removeEventListener?.('abort', this.#abort);
  }

  /** Ends the attempt, and its connection, before the response has come whole. */
  giveUp(): void {
    this.end();
    this.#abort();
  }

  /** Which limit ended the attempt, if one did. */
  get timedOut(): 'idle' | 'call' | undefined {
    return this.#timedOut;
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#check(), Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
  }

  #check(): void {
    const now = performance.now();
    const idleLeft = this.#activeAt + this.#limits.idleMs - now;
    const callLeft = this.#end - now;
    // A timer may fire up to a millisecond early.
    if (Math.min(idleLeft, callLeft) > 1) {
      this.#wait(Math.min(idleLeft, callLeft));
      return;
    }
    this.#timedOut = callLeft <= idleLeft ? 'call' : 'idle';
    this.#abort();
  }
}

/** The error of a time-out, as Axios words and codes it. */
export function axiosTimeoutError(config: InternalAxiosRequestConfig, ms: number): AxiosError {
  const message = config.timeoutErrorMessage || `timeout of ${Math.round(ms)}ms exceeded`;
  const clear = config.transitional?.clarifyTimeoutError === true;
  return new AxiosError(message, clear ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED, config);
}
