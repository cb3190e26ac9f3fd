import { AxiosError, type AxiosInstance, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import axiosRetry from 'axios-retry';
import type { Emit } from '../events.js';
import { retryAfterMs } from '../utils/retry-after.js';
import { backoffMs } from '../utils/timers.js';
import { isReplayable } from './bodies.js';
import { type Call, currentCall } from './call.js';
import type { RetryBudget } from './retry-budget.js';
import { discard } from './streams.js';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;

/** RFC 9110 section 9.2.2: a second send does no more than the first. */
const idempotent = new Set(['get', 'head', 'options', 'put', 'delete']);

/** The statuses after which a write with an idempotency key is sent again. */
const keyed = new Set([429, 500, 502, 503, 504]);

export interface RetryPolicy {
  /** How often one call may be retried. */
  retries: number;
  /** What all calls together may spend on retries; without one they may spend what they like. */
  budget: RetryBudget | undefined;
  emit: Emit;
}

/**
 * Registers axios-retry on an instance with this package's policy.
 *
 * axios-retry counts, waits, and ends a wait on an abort; what is retried and how long it waits is decided here.
 */
export function retryFailures(instance: AxiosInstance, { retries, budget, emit }: RetryPolicy): void {
  axiosRetry(instance, {
    retries,
    // The deadline is kept by the call itself, not by axios-retry's count against Axios's own timeout.
    shouldResetTimeout: true,
    retryCondition: (error) => mayRetry(error, budget, emit),
    retryDelay: (_count, error) => currentCall(error.config)?.delayMs ?? 0,
    onRetry: (retry, error, config) => {
      const call = currentCall(config);
      if (call === undefined) return;
      discard(error.response?.data);
      const { method, path } = call.request;
      const reason = error.response === undefined ? (error.code ?? 'network') : String(error.response.status);
      emit({ type: 'call.retried', method, path, retry, delayMs: call.delayMs, reason });
    },
  });
}

function mayRetry(error: unknown, budget: RetryBudget | undefined, emit: Emit): boolean {
  if (!isAxiosError(error) || error.config === undefined) return false;
  const { config } = error;
  const call = currentCall(config);
  if (call === undefined || call.over) return false;
  call.over = true;
  if (!isTransient(error, call) || !isSafe(error, config, call)) return false;
  const wait = waitBefore(error, call.retries + 1);
  // An answer after the deadline would reach nobody.
  if (wait >= call.leftMs) return false;
  call.unrepeatable = !isReplayable(config.data);
  if (call.unrepeatable) return false;
  if (budget !== undefined && !budget.spend()) {
    const { method, path } = call.request;
    emit({ type: 'call.budgetExhausted', method, path });
    return false;
  }
  call.over = false;
  call.delayMs = wait;
  call.retries++;
  return true;
}

/** Whether a second send can't make Moov act twice. */
function isSafe(error: AxiosError, config: InternalAxiosRequestConfig, call: Call): boolean {
  if (idempotent.has(config.method ?? '')) return true;
  if (config.headers.has('X-Idempotency-Key')) {
    return error.response === undefined || !call.responded || keyed.has(error.response.status);
  }
  return !call.responded && !call.maybeSent;
}

/** What Axios finds wrong by itself, before or after the exchange; another try would find it again. */
const faults = new Set([
  AxiosError.ERR_CANCELED,
  AxiosError.ERR_BAD_REQUEST,
  AxiosError.ERR_BAD_OPTION,
  AxiosError.ERR_BAD_OPTION_VALUE,
  AxiosError.ERR_INVALID_URL,
  AxiosError.ERR_NOT_SUPPORT,
  'ERR_FORM_DATA_DEPTH_EXCEEDED',
]);

function isTransient(error: AxiosError, call: Call): boolean {
  const status = error.response?.status;
  if (call.responded) return status === 429 || (status !== undefined && status >= 500);
  // Without a response ERR_BAD_RESPONSE is a reply over maxContentLength; with one, a reply cut short.
  if (error.code === AxiosError.ERR_BAD_RESPONSE) return status !== undefined;
  return !faults.has(error.code ?? '');
}

/** What the reply asks for, or a growing wait; a little more of either, so that callers spread. */
function waitBefore(error: AxiosError, retry: number): number {
  const asked = error.response && retryAfterMs(error.response.headers, Date.now());
  return asked === undefined
    ? backoffMs(retry, FIRST_WAIT_MS, LONGEST_WAIT_MS)
    : asked + Math.random() * Math.min(250, asked / 10);
}
