import { MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import { retryAfterHeader } from '../utils/retry-after.js';
import type { RateLimiter } from './rate-limiter.js';
import type { Turn } from './turn-window.js';
import { WaitingCalls } from './waiting-calls.js';

/** What a lane needs to know of a call. */
export interface LimitedCall {
  readonly place: number;
  readonly endsAt: number;
  readonly isBackground: boolean;
  readonly request: { readonly method: string; readonly path: string };
}

/** A turn in a lane, which a call has until its response. */
export interface LaneTurn {
  readonly lane: Lane;
  readonly turn: Turn;
}

/** A call that waits for its turn. */
export interface WaitingTurn {
  readonly place: number;
  readonly endsAt: number;
  readonly call: LimitedCall;
  readonly go: (turn: LaneTurn | undefined) => void;
  readonly fail: (error: unknown) => void;
  /** Takes it out of the queue that it is in. */
  leave: (() => void) | undefined;
}

/** At least one turn in so many goes to a call in the background, if one waits. */
const BACKGROUND_TURN = 20;

/** After so long without a call that waited, the limit is forgotten. */
const CLEARED_AFTER_MS = 60_000;

/** So long after the first 429 of a hold it is reported, as the others come at the same time. */
const REPORT_AFTER_MS = 50;

/** How often it is looked whether calls wait in vain, at least. */
const LONGEST_LOOK_MS = 200;

/** So much higher may the rate turn out when other processes end that use the limit. */
const PATIENCE = 3;

/** What a lane is made of. */
export interface LaneParts {
  readonly limiter: RateLimiter;
  readonly emit: Emit;
  /** The account that it is for, or the path that has a limit of its own. */
  readonly scope: { readonly accountID?: string; readonly path?: string };
  /** Called when the limit is forgotten. A lane without this never is. */
  readonly cleared?: () => void;
}

/** The calls that one rate limit holds, first come, first served, and the one timer that lets them go. */
export class Lane {
  readonly #parts: LaneParts;
  readonly #front = new WaitingCalls<WaitingTurn>();
  readonly #back = new WaitingCalls<WaitingTurn>();
  #turns = 0;
  #waitedAt = performance.now();
  #firstEnd = Number.POSITIVE_INFINITY;
  #isRateKnown = false;
  #reportAt = Number.POSITIVE_INFINITY;
  #wakeAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** Whether it has ended; its calls in flight then count elsewhere. */
  isOver = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  get scope(): LaneParts['scope'] {
    return this.#parts.scope;
  }

  get rate(): number {
    return this.#parts.limiter.expectedRate;
  }

  get waiting(): number {
    return this.#front.size + this.#back.size;
  }

  get waitingInBackground(): number {
    return this.#back.size;
  }

  get isTrying(): boolean {
    return this.#parts.limiter.isTrying;
  }

  /** The turn of a call that may go now. */
  try(isBackground: boolean): LaneTurn | undefined {
    if (this.#front.size > 0 || (isBackground && this.#back.size > 0)) return undefined;
    const now = performance.now();
    return this.#parts.limiter.nextAt(now, isBackground) <= now ? this.#turn(now, isBackground) : undefined;
  }

  /** Waits for the turn of a call, which is refused as soon as the turn can't come before the call ends. */
  wait(waiting: WaitingTurn): void {
    const { isBackground, endsAt, request } = waiting.call;
    const queue = isBackground ? this.#back : this.#front;
    const now = performance.now();
    this.#waitedAt = now;
    const ahead = queue.add(waiting) + (isBackground ? this.#front.size : 0);
    const turnAt = this.#turnAt(now, ahead);
    if (turnAt >= endsAt) {
      queue.remove(waiting);
      waiting.fail(inVain(turnAt - now));
      return;
    }
    this.#firstEnd = Math.min(this.#firstEnd, endsAt);
    this.#parts.emit({ type: 'call.throttled', ...publicPart(request), waiting: this.waiting });
    waiting.leave = () => queue.remove(waiting);
    this.#schedule(now);
  }

  /** A call was answered with something other than 429. */
  passed(turn: Turn | undefined): void {
    const now = performance.now();
    this.#parts.limiter.passed(now, turn);
    this.#schedule(now);
  }

  /** A call ended without a response. */
  lost(turn: Turn | undefined): void {
    const now = performance.now();
    this.#parts.limiter.lost(now, turn);
    this.#schedule(now);
  }

  /** A turn is given back. */
  unused(turn: Turn): void {
    this.#parts.limiter.unused(turn);
    this.#schedule(performance.now());
  }

  /** A request is made that does not wait: one for a token. @returns what is to be called at its end. */
  count(): () => void {
    const turn = this.#parts.limiter.counted(performance.now());
    return () => this.lost(turn);
  }

  /** A call was answered with 429. @returns whether a hold begins. */
  refused(waitMs: number | undefined, turn: Turn | undefined): boolean {
    const now = performance.now();
    this.#waitedAt = now;
    const begins = this.#parts.limiter.refused(now, waitMs, turn);
    if (begins) this.#reportAt = now + REPORT_AFTER_MS;
    this.#schedule(now);
    return begins;
  }

  /** Forgets the limit at once, unless it is one of the options. */
  clear(): void {
    this.#parts.cleared?.();
  }

  /** Ends the lane. @returns the calls that wait. */
  end(): WaitingTurn[] {
    this.isOver = true;
    clearTimeout(this.#timer);
    return [...this.#front.clear(), ...this.#back.clear()];
  }

  #turn(now: number, isBackground: boolean): LaneTurn {
    this.#turns++;
    return { lane: this, turn: this.#parts.limiter.sent(now, isBackground) };
  }

  /** Lets go whatever may go now. */
  #run(): void {
    const now = performance.now();
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#parts.limiter.expire(now);
    // Ends a hold that is over, after which the rate is known.
    this.#parts.limiter.nextAt(now);
    if (now >= this.#reportAt) this.#report(now);
    this.#refuseInVain(now, this.#isRateKnown ? PATIENCE : 1);
    this.#isRateKnown = this.#parts.limiter.rate > 0;
    for (let next = this.#next(now); next !== undefined; next = this.#next(now)) {
      next.go(this.#turn(now, next.call.isBackground));
      this.#waitedAt = now;
    }
    const { cleared } = this.#parts;
    if (cleared !== undefined && this.#clearAt <= now) cleared();
    else this.#schedule(now);
  }

  /** The next call, if it may go now. */
  #next(now: number): WaitingTurn | undefined {
    const isDue = this.#back.size > 0 && this.#turns % BACKGROUND_TURN === BACKGROUND_TURN - 1;
    const queue = isDue || this.#front.size === 0 ? this.#back : this.#front;
    if (queue.size === 0) return undefined;
    // A turn that is due goes as those of others do.
    return this.#parts.limiter.nextAt(now, queue === this.#back && !isDue) <= now ? queue.take() : undefined;
  }

  /** When the limit is to be forgotten. */
  get #clearAt(): number {
    if (this.#parts.cleared === undefined || this.waiting > 0) return Number.POSITIVE_INFINITY;
    return Math.max(this.#waitedAt, this.#parts.limiter.heldUntil) + CLEARED_AFTER_MS;
  }

  /** Sets the one timer, for the earliest of what is to be done. */
  #schedule(now: number): void {
    if (this.isOver) return;
    let at = Math.min(this.#reportAt, this.#clearAt);
    if (this.waiting > 0) {
      const isBackground = this.#front.size === 0;
      at = Math.min(at, this.#parts.limiter.nextAt(now, isBackground), this.#firstEnd, now + LONGEST_LOOK_MS);
    }
    // A timer that is due fires as soon as the process has time for it.
    if (at >= this.#wakeAt || this.#wakeAt <= now) {
      if (this.waiting > 0) this.#timer?.ref();
      return;
    }
    clearTimeout(this.#timer);
    this.#wakeAt = at;
    // A timer may fire up to a millisecond early.
    this.#timer =
      at === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => this.#run(), Math.max(0, at - now) + 1);
    // A program need not stay for a limit to be forgotten.
    if (this.waiting === 0) this.#timer?.unref();
  }

  #report(now: number): void {
    this.#reportAt = Number.POSITIVE_INFINITY;
    const { limiter, scope, emit } = this.#parts;
    emit({
      type: 'rateLimit.reached',
      ...scope,
      requestsPerSecond: Math.floor(limiter.expectedRate),
      holdMs: Math.max(0, Math.round(limiter.heldUntil - now)),
      waiting: this.waiting,
    });
  }

  /** When the turn of a call comes that has so many ahead of it. */
  #turnAt(now: number, ahead: number): number {
    const { heldUntil, rate, expectedRate } = this.#parts.limiter;
    const start = Math.max(now, heldUntil);
    // In the first hold it is too early to say.
    return rate === 0 ? start : start + (ahead / expectedRate) * 1000;
  }

  #refuseInVain(now: number, patience: number): void {
    this.#firstEnd = Number.POSITIVE_INFINITY;
    let others = 0;
    for (const queue of [this.#front, this.#back]) {
      const turnAt = (ahead: number) => this.#turnAt(now, (ahead + others) / patience);
      for (const { fail } of queue.takeInVain(turnAt)) fail(inVain(this.#turnAt(now, this.waiting) - now));
      this.#firstEnd = Math.min(this.#firstEnd, queue.firstEnd);
      others = queue.size;
    }
  }
}

/** The error of a call whose turn can't come in time. */
function inVain(waitMs: number): MoovUnavailableError {
  const message =
    "Moov's rate limit is reached, and the turn of this call can't come before its time is over";
  return new MoovUnavailableError(message, {
    code: 'ERR_MOOV_RATE_LIMITED',
    headers: retryAfterHeader(waitMs),
  });
}

function publicPart({ method, path }: LimitedCall['request']): { method: string; path: string } {
  return { method, path };
}
