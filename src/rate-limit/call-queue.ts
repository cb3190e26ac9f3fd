import { MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import { retryAfterHeader } from '../utils/retry-after.js';
import { PathHistory } from './path-history.js';
import type { RateLimiter } from './rate-limiter.js';
import type { Turn } from './turn-window.js';
import { type LimitedCall, type WaitingCall, WaitingCalls } from './waiting-calls.js';

/** The turn of a call under the limit of one queue. The call has it until its response. */
export interface CallTurn {
  readonly queue: CallQueue;
  readonly turn: Turn;
}

/** At least one turn in this many goes to a call in the background, if one waits. */
const BACKGROUND_TURN = 20;

/** The limit is forgotten when no call has waited for this long. */
const CLEARED_AFTER_MS = 60_000;

/** A hold is reported this long after its first 429, with the calls of the other 429s, which come at the same time. */
const REPORT_AFTER_MS = 50;

/** The longest time between two searches for calls that wait in vain. */
const LONGEST_LOOK_MS = 200;

/** How many times higher the rate may become, when other processes that use the limit end. */
const HOPE = 3;

/** What a queue is made of. */
export interface QueueParts {
  readonly limiter: RateLimiter;
  readonly emit: Emit;
  /** The account that the limit is for, or the path that has a limit of its own; neither when it is for all calls. */
  readonly scope: { readonly accountID?: string; readonly path?: string };
  /** Paths that passed before the first 429. */
  readonly passedPaths?: Iterable<string>;
  /** Called when the limit is to be forgotten. A queue without this is kept. */
  readonly cleared?: () => void;
}

/** The calls under one rate limit, first come, first served, and the one timer that lets them go. */
export class CallQueue {
  readonly scope: QueueParts['scope'];
  readonly paths: PathHistory;
  readonly #limiter: RateLimiter;
  readonly #emit: Emit;
  readonly #cleared: (() => void) | undefined;
  readonly #front = new WaitingCalls<CallTurn>();
  readonly #back = new WaitingCalls<CallTurn>();
  /** Turns that went to others since the last one of a call in the background. */
  #turnsInFront = 0;
  #waitedAt = performance.now();
  #firstEnd = Number.POSITIVE_INFINITY;
  #isRateKnown = false;
  #reportAt = Number.POSITIVE_INFINITY;
  #wakeAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** Whether it has ended; what becomes of its calls in flight then counts elsewhere. */
  isOver = false;
  /** Whether `rateLimit.reached` was emitted. */
  isReported = false;

  constructor({ limiter, emit, scope, passedPaths, cleared }: QueueParts) {
    this.scope = scope;
    this.paths = new PathHistory(passedPaths);
    this.#limiter = limiter;
    this.#emit = emit;
    this.#cleared = cleared;
  }

  get rate(): number {
    return this.#limiter.expectedRate;
  }

  get waiting(): number {
    return this.#front.size + this.#back.size;
  }

  get waitingInBackground(): number {
    return this.#back.size;
  }

  /** Whether a 429 is to be expected, as a higher rate is being tested. */
  get isTesting(): boolean {
    return this.#limiter.isTesting;
  }

  /** The turn of a call that may go now. */
  try(isBackground: boolean): CallTurn | undefined {
    if (this.#front.size > 0 || (isBackground && this.#back.size > 0)) return undefined;
    const now = performance.now();
    return this.#limiter.nextAt(now, isBackground) <= now ? this.#turn(now, isBackground) : undefined;
  }

  /** Waits for the turn of a call, which is refused at once if the turn can't come before the call ends. */
  wait(waiting: WaitingCall<CallTurn>): void {
    const { isBackground, endsAt, request } = waiting.call;
    const queue = isBackground ? this.#back : this.#front;
    const now = performance.now();
    this.#waitedAt = now;
    const ahead = queue.add(waiting) + (isBackground ? this.#front.size : 0);
    const turnAt = this.#turnAt(now, ahead);
    if (turnAt >= endsAt) {
      this.leave(waiting.call, inVain(turnAt - now));
      return;
    }
    this.#firstEnd = Math.min(this.#firstEnd, endsAt);
    const { method, path } = request;
    this.#emit({ type: 'call.throttled', method, path, waiting: this.waiting });
    this.#schedule(now);
  }

  /** Ends the wait of a call with an error, if it waits here. */
  leave(call: LimitedCall, error: unknown): void {
    (call.isBackground ? this.#back : this.#front).remove(call)?.fail(error);
  }

  /**
   * A call was answered with something other than 429.
   *
   * @param turn - None for a call that went before the limit was known.
   */
  passed(path: string, turn: Turn | undefined): void {
    const now = performance.now();
    this.paths.passed(path);
    this.#limiter.passed(now, turn);
    this.#schedule(now);
  }

  /** A call ended without a response, and Moov may have counted it. */
  ended(turn: Turn): void {
    const now = performance.now();
    this.#limiter.ended(now, turn);
    this.#schedule(now);
  }

  /** A turn is given back. */
  unused(turn: Turn): void {
    this.#limiter.unused(turn);
    this.#schedule(performance.now());
  }

  /**
   * A request is made that does not wait: one for a token.
   *
   * @returns a function to call at its end.
   */
  count(): () => void {
    const turn = this.#limiter.counted(performance.now());
    return () => this.ended(turn);
  }

  /**
   * A call was answered with 429.
   *
   * @param waitMs - What the response asks for.
   */
  refused(path: string, waitMs: number | undefined, turn: Turn | undefined): void {
    const now = performance.now();
    this.#waitedAt = now;
    if (this.#limiter.refused(now, waitMs, turn)) {
      this.paths.begin();
      this.#reportAt = now + REPORT_AFTER_MS;
    }
    this.paths.refused(path);
    this.#schedule(now);
  }

  /** Forgets the limit at once, unless it is one of the options. */
  forget(): void {
    this.#cleared?.();
  }

  /**
   * Ends the queue.
   *
   * @returns the calls that wait.
   */
  end(): WaitingCall<CallTurn>[] {
    this.isOver = true;
    clearTimeout(this.#timer);
    return [...this.#front.clear(), ...this.#back.clear()];
  }

  #turn(now: number, isBackground: boolean): CallTurn {
    this.#turnsInFront = isBackground ? 0 : this.#turnsInFront + 1;
    return { queue: this, turn: this.#limiter.sent(now, isBackground) };
  }

  /** Whether the next turn is that of a call in the background, whoever else waits. */
  get #isBackDue(): boolean {
    return this.#back.size > 0 && this.#turnsInFront >= BACKGROUND_TURN - 1;
  }

  /** Lets go whatever may go now. */
  #run(): void {
    const now = performance.now();
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#limiter.expire(now);
    if (now >= this.#reportAt) this.#report(now);
    this.#refuseInVain(now, this.#isRateKnown ? HOPE : 1);
    this.#isRateKnown = this.#limiter.rate > 0;
    for (let next = this.#next(now); next !== undefined; next = this.#next(now)) {
      next.go(this.#turn(now, next.call.isBackground));
      this.#waitedAt = now;
    }
    if (this.#cleared !== undefined && this.#clearAt <= now) this.#cleared();
    else this.#schedule(now);
  }

  /** The next call, if it may go now. */
  #next(now: number): WaitingCall<CallTurn> | undefined {
    const queue = this.#isBackDue || this.#front.size === 0 ? this.#back : this.#front;
    return queue.size > 0 && this.#nextAt(now) <= now ? queue.take() : undefined;
  }

  /** When the next call may go. A call in the background whose turn is due leaves nothing to others. */
  #nextAt(now: number): number {
    return this.#limiter.nextAt(now, this.#front.size === 0 && !this.#isBackDue);
  }

  /** When the limit is to be forgotten. */
  get #clearAt(): number {
    if (this.#cleared === undefined || this.waiting > 0) return Number.POSITIVE_INFINITY;
    return Math.max(this.#waitedAt, this.#limiter.heldUntil) + CLEARED_AFTER_MS;
  }

  /** Sets the one timer, for the earliest of what is to be done. */
  #schedule(now: number): void {
    if (this.isOver) return;
    let at = Math.min(this.#reportAt, this.#clearAt);
    if (this.waiting > 0) at = Math.min(at, this.#nextAt(now), this.#firstEnd, now + LONGEST_LOOK_MS);
    // A timer that is due fires as soon as the process has time for it.
    if (at >= this.#wakeAt || this.#wakeAt <= now) {
      if (this.waiting > 0) this.#timer?.ref();
      return;
    }
    clearTimeout(this.#timer);
    this.#wakeAt = at;
    // A timer may fire up to a millisecond early.
    this.#timer = setTimeout(() => this.#run(), Math.max(0, at - now) + 1);
    // A program need not stay for a limit to be forgotten.
    if (this.waiting === 0) this.#timer.unref();
  }

  #report(now: number): void {
    this.#reportAt = Number.POSITIVE_INFINITY;
    this.isReported = true;
    this.#emit({
      type: 'rateLimit.reached',
      ...this.scope,
      requestsPerSecond: Math.floor(this.rate),
      holdMs: Math.max(0, Math.round(this.#limiter.heldUntil - now)),
      waiting: this.waiting,
    });
  }

  /** When the turn of a call comes, by the number of calls ahead of it. */
  #turnAt(now: number, ahead: number): number {
    const { heldUntil, rate, expectedRate } = this.#limiter;
    const start = Math.max(now, heldUntil);
    // In the first hold it is too early to say.
    return rate === 0 ? start : start + (ahead / expectedRate) * 1000;
  }

  /** @param hope - How much higher the rate may turn out. */
  #refuseInVain(now: number, hope: number): void {
    this.#firstEnd = Number.POSITIVE_INFINITY;
    let others = 0;
    for (const queue of [this.#front, this.#back]) {
      const turnAt = (ahead: number) => this.#turnAt(now, (ahead + others) / hope);
      for (const { fail } of queue.takeInVain(turnAt)) fail(inVain(this.#turnAt(now, this.waiting) - now));
      this.#firstEnd = Math.min(this.#firstEnd, queue.firstEnd);
      others = queue.size;
    }
  }
}

/** The error of a call whose turn can't come in time. */
function inVain(waitMs: number): MoovUnavailableError {
  return rateLimited(
    "Moov's rate limit is reached, and the turn of this call can't come before its deadline",
    waitMs,
  );
}

/** @param waitMs - For `Retry-After`. */
export function rateLimited(message: string, waitMs: number): MoovUnavailableError {
  return new MoovUnavailableError(message, {
    code: 'ERR_MOOV_RATE_LIMITED',
    headers: retryAfterHeader(waitMs),
  });
}
