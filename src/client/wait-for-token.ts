import axios, { type InternalAxiosRequestConfig } from 'axios';
import type { Token } from '../tokens/token.js';
import { LONGEST_TIMER_MS } from '../utils/timers.js';
import { timeoutError } from './attempt.js';
import type { Call } from './call.js';

/** Waits for a token no longer than the call has time and the caller does not abort; the renewal itself goes on. */
export function waitForToken(
  token: Promise<Token>,
  config: InternalAxiosRequestConfig,
  call: Call,
): Promise<Token> {
  return new Promise((resolve, reject) => {
    const timer = Number.isFinite(call.leftMs)
      ? setTimeout(
          () => reject(timeoutError(config, call.timeoutMs)),
          Math.min(call.leftMs, LONGEST_TIMER_MS),
        )
      : undefined;
    const abort = () => reject(new axios.CanceledError(undefined, config));
    config.signal?.addEventListener?.('abort', abort);
    if (config.signal?.aborted) abort();
    token.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      config.signal?.removeEventListener?.('abort', abort);
    });
  });
}
