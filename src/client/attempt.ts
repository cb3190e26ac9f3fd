import {
  AxiosError,
  type AxiosResponse,
  type GenericAbortSignal,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { TransportObserver } from '../transports/transport.js';
import { LONGEST_TIMER_MS } from '../utils/timers.js';

type Listener = (() => void) | { handleEvent(): void };

/** A signal as transports take it, without the costs of an AbortController, which every attempt would have. */
export class LightSignal implements GenericAbortSignal {
  aborted = false;
  /** Most signals have one listener. */
  #listener: Listener | undefined;
  #others: Set<Listener> | undefined;

  addEventListener(_type: 'abort', listener: Listener): void {
    if (this.#listener === undefined || this.#listener === listener) {
      this.#listener = listener;
      return;
    }
    this.#others ??= new Set();
    this.#others.add(listener);
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    if (this.#listener === listener) this.#listener = undefined;
    this.#others?.delete(listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const listeners = [this.#listener, ...(this.#others ?? [])];
    this.#listener = undefined;
    this.#others = undefined;
    for (const listener of listeners) {
      if (typeof listener === 'function') listener();
      else listener?.handleEvent();
    }
  }
}

/**
 * The slowest line that the time limit allows for, in bytes per millisecond: 1 Mbit/s. The system takes a few megabytes
 * at once, and does not say when they have left the machine.
 */
const SLOWEST_LINE = 125;

/** These are decided by the status line, however large or broken the body is. */
const decidedByStatus = new Set([401, 429, 503]);

/** The limits of one attempt. */
export interface AttemptLimits {
  /** The caller's own signal. */
  signal: GenericAbortSignal | undefined;
  /** Milliseconds in which nothing moves: no byte is received, and those sent had the time to leave. */
  idleMs: number;
  /** Milliseconds left of the whole call; infinite without a limit. */
  leftMs: number;
  /** See {@link TransportObserver.takesBytes}. */
  takesBytes: boolean;
}

/**
 * The time and the abort of one attempt, in one signal: the caller's own signal, the time in which nothing moves, and
 * what is left of the call. A large file on a slow line takes as long as the call may take.
 */
export class Attempt implements TransportObserver {
  /** Whether it may have reached Moov. Once it is given to the transport it counts as sent, until that proves otherwise. */
  maybeSent = false;
  /** Makes the response, if its status line has come and decides. */
  decided: (() => AxiosResponse) | undefined;
  /** Whether the receiver of the response keeps it from going on. */
  isHeldUp: () => boolean = () => false;
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

  get takesBytes(): boolean {
    return this.#limits.takesBytes;
  }

  get signal(): GenericAbortSignal {
    return this.#signal;
  }

  neverSent(): void {
    this.maybeSent = false;
  }

  head(status: number, response: () => AxiosResponse): void {
    if (decidedByStatus.has(status)) this.decided = response;
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
    if (this.isHeldUp()) this.#activeAt = now;
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
