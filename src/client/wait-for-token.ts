import axios, { type InternalAxiosRequestConfig } from 'axios';
import type { Token } from '../tokens/token.js';
import { Timers, withTimeout } from '../utils/timers.js';
import { timeoutError } from './attempt.js';
import type { Call } from './call.js';

/** Waits for a token until the call's deadline or an abort. The renewal itself continues. */
export function waitForToken(
  token: Promise<Token>,
  config: InternalAxiosRequestConfig,
  call: Call,
): Promise<Token> {
  return withTimeout(token, {
    ms: call.leftMs,
    timers: new Timers(true),
    timedOut: () => timeoutError(config, call.timeoutMs),
    signal: config.signal,
    aborted: () => new axios.CanceledError(undefined, config),
  });
}
