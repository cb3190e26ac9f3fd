import { MoovUnavailableError } from '../errors.js';
import { type Headers, retryAfterMs } from '../utils/retry-after.js';
import type { AbortSignalLike } from '../utils/timers.js';
import type { CallQueue, CallTurn } from './call-queue.js';
import type { AccountCall, RateLimits } from './rate-limits.js';

/** The turns of one call under the rate limits that are known, if any are. */
export class CallTurns {
  readonly #limits: RateLimits | undefined;
  readonly #call: AccountCall;
  #turn: CallTurn | undefined;
  /** The `X-Request-ID` of the last 429, and the queue that it counted in. */
  #requestId: string | undefined;
  #refusedIn: CallQueue | undefined;

  /** @param limits - Without them every call goes at once. */
  constructor(limits: RateLimits | undefined, call: AccountCall) {
    this.#limits = limits;
    this.#call = call;
  }

  /** Whether any limit is known. */
  get isLimited(): boolean {
    return this.#limits?.isActive === true;
  }

  /**
   * Takes the next turn, when it comes.
   *
   * @param aborted - Makes the error of a wait that `signal` ends.
   * @returns whether the call waited.
   * @throws {@link MoovUnavailableError} with `ERR_MOOV_RATE_LIMITED`, as soon as the turn can't come before the call ends.
   */
  async next(signal: AbortSignalLike, aborted: () => Error): Promise<boolean> {
    const turn = this.#limits?.turn(this.#call);
    if (!(turn instanceof Promise)) {
      this.#turn = turn;
      return false;
    }
    const abort = () => this.#limits?.leave(this.#call, aborted());
    signal.addEventListener?.('abort', abort);
    if (signal.aborted) abort();
    try {
      this.#turn = await turn;
      return true;
    } catch (error) {
      throw this.#refusedIn === undefined ? error : after429(error, this.#requestId);
    } finally {
      signal.removeEventListener?.('abort', abort);
    }
  }

  /** The turn is not used after all. */
  giveBack(): void {
    const turn = this.#take();
    turn?.queue.unused(turn.turn);
  }

  /** The call was answered with something other than 429. */
  passed(): void {
    this.#limits?.passed(this.#call, this.#take());
  }

  /** The call ended without a response. */
  lost(): void {
    const turn = this.#take();
    turn?.queue.ended(turn.turn);
  }

  /**
   * The call was answered with 429.
   *
   * @param requestId - Of the response.
   * @returns whether it may wait for another turn.
   */
  refused(headers: Headers, requestId: string | undefined): boolean {
    this.#requestId = requestId;
    const waitMs = retryAfterMs(headers, Date.now());
    this.#refusedIn = this.#limits?.refused(this.#call, waitMs, this.#take(), this.#refusedIn);
    return this.#refusedIn !== undefined;
  }

  #take(): CallTurn | undefined {
    const turn = this.#turn;
    this.#turn = undefined;
    return turn;
  }
}

/** The same error, with what Moov's response said. */
function after429(error: unknown, requestId: string | undefined): unknown {
  if (!(error instanceof MoovUnavailableError) || error.code !== 'ERR_MOOV_RATE_LIMITED') return error;
  const { message, code, headers } = error;
  return new MoovUnavailableError(message, { code, headers, upstreamStatus: 429, requestId });
}
