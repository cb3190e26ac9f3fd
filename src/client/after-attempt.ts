import { AxiosError, isAxiosError } from 'axios';
import { MoovReplayError } from '../errors.js';
import type { Emit } from '../events.js';
import { retryAfterMs } from '../utils/retry-after.js';
import { backoffMs } from '../utils/timers.js';
import type { Call, Outcome } from './call.js';
import { hideBodies } from './private-bodies.js';
import { requestIdOf, statusError } from './refusal.js';
import type { RetryBudget } from './retry-budget.js';
import { discard } from './streams.js';

/*
 * What happens after an attempt that did not succeed, and why. A 401 is answered with a token: `replayAfter401`. What
 * may pass by itself is retried: `retryDelayMs`. Everything else is the caller's.
 */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;

/** A token that was requested before the first 401 may have been revoked with the refused one. One after it is proof. */
const MOST_REPLAYS = 2;

/** What the rules need beside the call. */
export interface FollowUpRules {
  /** How often one call may be retried. */
  readonly retries: number;
  /** What all calls together may spend on retries; without one they may spend what they like. */
  readonly budget: RetryBudget | undefined;
  readonly emit: Emit;
}

/** What is known of the attempts of a call that did not succeed, until it is settled. */
export class FollowUp {
  readonly call: Call;
  outcome: Outcome;
  /** Whether it is decided what follows the last outcome. */
  judged = false;
  /** The wait before the next retry, in milliseconds. */
  delayMs = 0;
  readonly #rules: FollowUpRules;
  #retries = 0;
  #replays = 0;
  #replayedWithSame = false;
  /** When the first 401 came. */
  #refusedAt: number | undefined;

  constructor(call: Call, outcome: Outcome, rules: FollowUpRules) {
    this.call = call;
    this.outcome = outcome;
    this.#rules = rules;
  }

  /** Whether an outcome can lead to another attempt at all; most failures can't, and are settled at once. */
  static isPossible(call: Call, outcome: Outcome): boolean {
    return outcome.response?.status === 401 || isTransient(call, outcome);
  }

  /** Makes the next attempt. */
  async attempt(): Promise<Outcome> {
    this.outcome = await this.call.attempt();
    this.judged = false;
    return this.outcome;
  }

  /**
   * After a 401: gets the token for a replay. Moov has not looked at the request, so a replay is safe for any method.
   *
   * @returns whether the call is to be sent again.
   */
  async replayAfter401(): Promise<boolean> {
    const { call, outcome } = this;
    const { response } = outcome;
    const refused = call.token;
    if (this.judged || response?.status !== 401 || refused === undefined) return false;
    this.judged = true;
    this.#refusedAt ??= performance.now();
    if (this.#replays > 0 && refused.requestedAt >= this.#refusedAt) {
      call.tokens.stillUnauthorized(refused.generation);
      return false;
    }
    if (this.#replays >= MOST_REPLAYS) return false;
    const { method, path } = call.request;
    const next = call.tokens.tokenAfter401(refused.generation, call.signal);
    const renewing = next?.token instanceof Promise;
    const requestId = requestIdOf(outcome.response);
    this.#rules.emit({ type: 'call.unauthorized', method, path, ...requestId, renewing });
    if (next === undefined || (next.kind === 'held' && !this.#mayRepeatWithSame())) return false;
    if (!call.image.body.replayable) {
      // The next call is to find a new token all the same.
      if (next.token instanceof Promise) next.token.catch(() => undefined);
      const message =
        'Moov answered 401, and the call cannot be sent again with a new token as its body is a stream';
      this.outcome = { error: this.#replayError(message, outcome) };
      return false;
    }
    try {
      call.use(next.token instanceof Promise ? await call.wait(next.token) : next.token);
    } catch (error) {
      this.outcome = { error };
      return false;
    }
    discard(response.data);
    this.#replays++;
    this.#rules.emit({ type: 'call.replayed', method, path, ...requestId });
    return true;
  }

  /**
   * Other calls show that the refused token is good, so one of Moov's servers may not know it yet. It costs as a retry
   * does, and leaves others half of the reserve.
   */
  #mayRepeatWithSame(): boolean {
    if (this.#replayedWithSame) return false;
    this.#replayedWithSame = true;
    return this.#rules.budget?.spendSpare() ?? true;
  }

  /**
   * Decides on a retry, and spends the budget on it.
   *
   * @returns whether the call is retried, after {@link delayMs}.
   */
  startRetry(): boolean {
    const { call, outcome } = this;
    if (this.judged) return false;
    this.judged = true;
    if (!isTransient(call, outcome) || !isSafe(call, outcome)) return false;
    const delayMs = waitBefore(outcome, this.#retries + 1);
    // A response after the deadline would reach nobody.
    if (delayMs >= call.leftMs) return false;
    if (!call.image.body.replayable) {
      const message = 'The call failed, and cannot be retried as its body is a stream that is used up';
      this.outcome = { error: this.#replayError(message, outcome) };
      return false;
    }
    const { method, path } = call.request;
    if (this.#rules.budget?.spend() === false) {
      this.#rules.emit({ type: 'call.budgetExhausted', method, path, ...requestIdOf(outcome.response) });
      return false;
    }
    this.delayMs = delayMs;
    this.#retries++;
    return true;
  }

  /** The wait before a retry begins. */
  retrying(): void {
    const { call, outcome, delayMs } = this;
    discard(outcome.response?.data);
    const { method, path } = call.request;
    const reason = reasonOf(outcome);
    const retry = this.#retries;
    this.#rules.emit({
      type: 'call.retried',
      method,
      path,
      ...requestIdOf(outcome.response),
      retry,
      delayMs,
      reason,
    });
  }

  #replayError(message: string, outcome: Outcome): MoovReplayError {
    const { response, error } = outcome;
    const cause = response === undefined ? error : statusError(response);
    if (isAxiosError(cause)) hideBodies(cause);
    const upstreamStatus = response?.status;
    return new MoovReplayError(message, { upstreamStatus, requestId: this.call.requestId, cause });
  }
}

/** RFC 9110 section 9.2.2: a second send does no more than the first. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY']);

/** The statuses after which a write with an idempotency key is sent again. */
const keyed = new Set([429, 500, 502, 503, 504]);

/** Whether a second send can't make Moov act twice. */
function isSafe({ image, maybeSent }: Call, { response }: Outcome): boolean {
  if (idempotent.has(image.method)) return true;
  if (image.idempotencyKey !== undefined) return response === undefined || keyed.has(response.status);
  return response === undefined && !maybeSent;
}

/** Server errors that a second try meets again: the method or the protocol is not supported. */
const permanent = new Set([501, 505]);

/** What the system and HTTP parsers call a connection that could not be made, or that broke or fell silent. */
const transientCodes = new Set([
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'EPROTO',
  'ETIMEDOUT',
  AxiosError.ERR_NETWORK,
]);

/** Whether a failure may pass by itself. A fault of the caller's own input does not. */
function isTransient({ image }: Call, { response, error }: Outcome): boolean {
  if (response !== undefined) {
    return response.status === 429 || (response.status >= 500 && !permanent.has(response.status));
  }
  if (image.body.error !== undefined || !isAxiosError(error)) return false;
  // An error of the application's own agent may have any code.
  const code = String(error.code ?? '');
  // With a response it was cut short; without one it was over maxContentLength, as the next one would be.
  if (code === AxiosError.ERR_BAD_RESPONSE) return error.response !== undefined;
  return transientCodes.has(code) || code.startsWith('HPE_');
}

/** The delay that the response asks for, or exponential back-off; jittered in both cases. */
function waitBefore({ response }: Outcome, retry: number): number {
  const asked = response && retryAfterMs(response.headers, Date.now());
  return asked === undefined
    ? backoffMs(retry, FIRST_WAIT_MS, LONGEST_WAIT_MS)
    : asked + Math.random() * Math.min(250, asked / 10);
}

function reasonOf({ response, error }: Outcome): string {
  if (response !== undefined) return String(response.status);
  const status = isAxiosError(error) ? error.response?.status : undefined;
  return status === undefined ? codeOf(error) : String(status);
}

function codeOf(error: unknown): string {
  return String((isAxiosError(error) ? error.code : undefined) ?? 'network');
}
