import { AxiosError, type GenericAbortSignal, type InternalAxiosRequestConfig } from 'axios';
import type { Call } from './call.js';

type Listener = (() => void) | { handleEvent(): void };

/** A signal as transports take it, without the costs of an AbortController, which every attempt would have. */
class AttemptSignal implements GenericAbortSignal {
  aborted = false;
  readonly #listeners = new Set<Listener>();

  addEventListener(_type: 'abort', listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    this.#listeners.delete(listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of [...this.#listeners]) {
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
    this.#listeners.clear();
  }
}

/**
 * The time and the abort of one attempt, in one signal: the caller's own signal, and the smaller of the attempt's limit and what is left of the call.
 */
export class Attempt {
  readonly #signal = new AttemptSignal();
  readonly #config: InternalAxiosRequestConfig;
  readonly #limitMs: number;
  readonly #ofCall: boolean;
  readonly #timer: NodeJS.Timeout | undefined;
  #timedOut = false;
  readonly #abort = () => this.#signal.abort();

  constructor(config: InternalAxiosRequestConfig, call: Call, attemptTimeoutMs: number) {
    this.#config = config;
    const { leftMs } = call;
    this.#ofCall = leftMs <= attemptTimeoutMs;
    this.#limitMs = this.#ofCall ? Math.max(0, leftMs) : attemptTimeoutMs;
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#abort();
    }, this.#limitMs);
    config.signal?.addEventListener?.('abort', this.#abort);
    if (config.signal?.aborted) this.#abort();
  }

  get signal(): GenericAbortSignal {
    return this.#signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#config.signal?.removeEventListener?.('abort', this.#abort);
  }

  /** Ends it, and its connection, before the reply has come whole. */
  giveUp(): void {
    this.end();
    this.#abort();
  }

  /** The error of a time-out, if that is what ended the attempt, as Axios words and codes it. */
  timeoutError(call: Call): AxiosError | undefined {
    if (!this.#timedOut) return undefined;
    return timeoutError(this.#config, this.#ofCall ? call.timeoutMs : this.#limitMs);
  }
}

export function timeoutError(config: InternalAxiosRequestConfig, ms: number): AxiosError {
  const message = config.timeoutErrorMessage || `timeout of ${Math.round(ms)}ms exceeded`;
  const clear = config.transitional?.clarifyTimeoutError === true;
  return new AxiosError(message, clear ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED, config);
}
