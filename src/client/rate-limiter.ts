import { Hold } from './hold.js';
import { learnRate } from './learn-rate.js';
import { RecentTimes } from './recent-times.js';
import { type Turn, TurnWindow } from './turn-window.js';

const WINDOW_MS = 1_000;

/** Where an unknown limit is taken to be at least, as calls of other processes may have used it up: Moov's lowest. */
const FIRST_RATE = 10;

/** The pauses between a raise of the rate that Moov refused and the next one. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 8_000;

/** The pause after a 429 that no raise explains: others use the limit too, and what they leave is found soon. */
const SHARED_PAUSE_MS = 1_000;

/** A call that tests a higher rate goes so long after the others of its second, when its 429 costs the least. */
const PROOF_GAP_MS = 100;

/**
 * Says when the next call may go, once Moov has answered 429. It has no timers and no clock: each method is told the
 * time in milliseconds.
 *
 * It is not known what kind of limit the server has, so it keeps to two at once. At most `rate` calls go in a second,
 * counted from their responses, which suits a window, sliding or fixed. And at most `burst` go at once and the others
 * evenly behind them, which suits a bucket of tokens, however small. Both are what was seen to pass. The rate is then
 * raised by 1, 2, 4 ... as long as the calls that go beyond it pass. A 429 ends that, and the next raise comes after a
 * pause. So a limit that is lifted is found within seconds, and one that stays costs a 429 every few seconds.
 */
export class RateLimiter {
  /** The rate that the options allow. */
  readonly #most: number;
  /** Calls a second; 0 before the end of the first hold. */
  #rate: number;
  /** The rate that was seen to pass. Below it, a raise needs no pause. */
  #known: number;
  #burst: number;
  #tokens: number;
  #tokensAt: number;
  readonly #window: TurnWindow;
  /** When calls passed in the last second. */
  readonly #passed: RecentTimes;
  #lastSentAt = Number.NEGATIVE_INFINITY;

  readonly #hold = new Hold();
  /** How many passed in a second, before the last 429 or of those in flight then. */
  #seen = 0;

  #resumedAt: number;
  #passedSinceResumed = 0;
  #tokensAtResume: number;

  #raising: 'to the known rate' | 'beyond' | undefined;
  #step = 1;
  #rateBefore = 0;
  #raisedAt = 0;
  #raiseAt = 0;
  #probeAt = 0;
  #pauseMs = FIRST_PAUSE_MS;

  /**
   * @param passed - When the calls of the last second passed, which went without a limit.
   * @param most - The rate of the options, which is kept from the first call and not exceeded; infinite without one.
   */
  constructor(now: number, passed: readonly number[] = [], most = Number.POSITIVE_INFINITY) {
    this.#most = most;
    this.#rate = this.#known = this.#burst = this.#tokens = Number.isFinite(most) ? most : 0;
    this.#tokensAtResume = this.#tokens;
    this.#tokensAt = this.#resumedAt = now;
    this.#passed = new RecentTimes(WINDOW_MS, passed);
    this.#window = new TurnWindow(passed);
  }

  /** Calls a second; 0 while nothing is known. */
  get rate(): number {
    return this.#rate;
  }

  /** What can be counted on: the rate that was seen to pass, also while it is approached again. */
  get expectedRate(): number {
    return this.#rate === 0 ? Math.max(FIRST_RATE, this.#seen) : Math.max(this.#rate, this.#known);
  }

  /** Whether a 429 is likely to be for a rate that is being tried. */
  get isTrying(): boolean {
    return this.#raising === 'beyond';
  }

  /** When the hold after a 429 ends. */
  get heldUntil(): number {
    return this.#hold.until;
  }

  /**
   * When the next call may go: now, or later; infinite when a response must come first.
   *
   * @param isBackground - Leaves a tenth of the rate, and the last token, to others.
   */
  nextAt(now: number, isBackground = false): number {
    if (now < this.#hold.until) return this.#hold.until;
    if (this.#hold.isOn) this.#resume(now);
    this.#forget(now);
    if (this.#hold.isTrial) return this.#hold.trial === undefined ? now : Number.POSITIVE_INFINITY;
    this.#raise(now);
    this.#refill(now);
    const needed = isBackground && this.#burst >= 2 ? 2 : 1;
    const token = now + (Math.max(0, needed - this.#tokens) / this.#rate) * 1000;
    const spare = this.#spare(isBackground);
    const gap = this.#isProof(spare) && !this.#isPaced ? this.#lastSentAt + PROOF_GAP_MS : now;
    return Math.max(now, this.#windowAt(now, spare), token, gap);
  }

  /** A call goes. */
  sent(now: number, isBackground = false): Turn {
    const turn: Turn = { sentAt: now, isProof: this.#isProof(this.#spare(isBackground)) };
    this.#tokens = Math.max(0, this.#tokens - 1);
    this.#lastSentAt = now;
    this.#window.begin(turn);
    this.#hold.sent(turn);
    return turn;
  }

  /** A turn that was not used is given back. */
  unused(turn: Turn): void {
    if (this.#window.drop(turn)) this.#tokens++;
    this.#hold.ended(turn);
  }

  /**
   * A call was answered with something other than 429.
   *
   * @param turn - None for a call that went before there was a limit.
   */
  passed(now: number, turn: Turn | undefined): void {
    this.#window.end(now, turn);
    this.#passed.add(now);
    this.#passedSinceResumed++;
    this.#hold.ended(turn);
    if (this.#hold.isOn) this.#see(now);
    else if (turn === undefined || turn.sentAt < this.#resumedAt) return;
    else this.#hold.succeeded();
    if (
      turn?.isProof &&
      this.#raising !== undefined &&
      turn.sentAt >= this.#raisedAt &&
      this.#isProven(now)
    ) {
      this.#raiseFurther(now);
    }
  }

  /** A timer has fired. See {@link TurnWindow.expire}. */
  expire(now: number): void {
    this.#window.expire(now);
  }

  /** A request goes that is no call and does not wait. @returns what {@link lost} is to be told at its end. */
  counted(now: number): Turn {
    const turn: Turn = { sentAt: now, isProof: false };
    this.#window.begin(turn);
    return turn;
  }

  /** A call ended without a response, or a request that is no call ended. */
  lost(now: number, turn: Turn | undefined): void {
    this.#window.end(now, turn);
    this.#hold.ended(turn);
  }

  /**
   * A call was answered with 429.
   *
   * @param waitMs - What the response asks for.
   * @returns whether a hold begins. A 429 during a hold is of a call that was in flight; it prolongs the hold if it asks
   * for more.
   */
  refused(now: number, waitMs: number | undefined, turn: Turn | undefined): boolean {
    this.#window.drop(turn);
    this.#forget(now);
    // What went before the last hold ended says nothing of the rate since.
    const begins = this.#hold.refused(
      now,
      waitMs,
      turn,
      turn !== undefined && turn.sentAt >= this.#resumedAt,
    );
    if (begins) this.#seen = 0;
    this.#see(now);
    return begins;
  }

  /** Counts what passed in a second, also while the calls come in that were in flight. */
  #see(now: number): void {
    // Those of a long first burst may come together that passed in two seconds.
    const ms = this.#rate === 0 ? WINDOW_MS * 0.9 : WINDOW_MS;
    this.#seen = Math.max(this.#seen, this.#passed.since(now - ms));
  }

  #resume(now: number): void {
    if (this.#hold.end() || this.#rate === 0) this.#learn(now);
    // Those that came in during the hold.
    this.#tokens = Math.min(this.#burst, Math.max(1, ((now - this.#hold.refusedAt) / 1000) * this.#rate));
    this.#tokensAt = this.#resumedAt = now;
    this.#tokensAtResume = this.#tokens;
    this.#passedSinceResumed = 0;
    this.#raising = undefined;
  }

  /** Sets rate and burst to what passed before the 429. */
  #learn(now: number): void {
    if (this.#rate === 0) {
      this.#known = this.#burst = Math.max(FIRST_RATE, this.#seen);
      // Not all of it at first: another process may be the one that got nothing.
      this.#rate = Math.max(FIRST_RATE, this.#known / 3);
      this.#raiseAt = this.#probeAt = now + WINDOW_MS;
      return;
    }
    const isBeyond = this.#raising === 'beyond';
    const { known, burst } = learnRate({
      rate: this.#rate,
      known: this.#known,
      burst: this.#burst,
      isPaced: this.#isPaced,
      isBeyond,
      tookMs: this.#hold.refusedAt - this.#resumedAt,
      passed: this.#passedSinceResumed,
      passedInSecond: this.#seen,
      savedUp: this.#tokensAtResume,
    });
    if (!isBeyond) this.#pauseMs = SHARED_PAUSE_MS;
    else if (known > this.#known) this.#pauseMs = FIRST_PAUSE_MS;
    else this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2));
    this.#rate = this.#known = known;
    this.#burst = burst;
    this.#probeAt = now + this.#pauseMs;
  }

  /** Whether calls go evenly rather than at once. */
  get #isPaced(): boolean {
    return this.#burst <= this.#known / 2 || this.#burst <= this.#rate / 4;
  }

  /** Whether the next call goes only because the rate was raised. */
  #isProof(spare: number): boolean {
    return this.#raising !== undefined && this.#window.used + spare >= Math.floor(this.#rateBefore);
  }

  /** The part of the window that a call in the background leaves to others. */
  #spare(isBackground: boolean): number {
    return isBackground && this.#rate >= 2 ? Math.ceil(this.#rate / 10) : 0;
  }

  /** Whether a rate is new that is hardly above the known one: calls that go evenly show only in time that it is too high. */
  get #isNearKnown(): boolean {
    return this.#isPaced && this.#raising === 'beyond' && this.#rate < this.#known * 1.1;
  }

  #isProven(now: number): boolean {
    return !this.#isNearKnown || now - this.#raisedAt >= WINDOW_MS;
  }

  #raise(now: number): void {
    if (this.#raising !== undefined || now < this.#raiseAt || this.#rate >= this.#most) return;
    const isBelow = this.#rate < this.#known;
    if (!isBelow && now < this.#probeAt) return;
    this.#raising = isBelow ? 'to the known rate' : 'beyond';
    // Otherwise those that were saved up would go at once.
    if (this.#isPaced) this.#tokens = Math.min(this.#tokens, 1);
    this.#step = 1;
    this.#raiseFurther(now);
  }

  #raiseFurther(now: number): void {
    this.#rateBefore = this.#rate;
    this.#raisedAt = now;
    const most = this.#raising === 'beyond' ? this.#most : Math.min(this.#most, this.#known);
    this.#rate = Math.min(most, this.#rate + this.#step);
    if (this.#rate === most) this.#raising = undefined;
    else if (!this.#isNearKnown) this.#step *= 2;
  }

  /** Calls that go evenly are kept apart by tokens; what is slow must not slow them down. */
  #windowAt(now: number, spare: number): number {
    const most = Math.floor(this.#isPaced ? this.#rate * 1.25 : this.#rate) - spare;
    return this.#window.roomAt(now, Math.max(1, most));
  }

  #forget(now: number): void {
    this.#window.forget(now);
    this.#passed.forget(now);
  }

  #refill(now: number): void {
    const gained = ((now - this.#tokensAt) / 1000) * this.#rate;
    this.#tokens = Math.min(Math.max(1, this.#burst), this.#tokens + gained);
    this.#tokensAt = now;
  }
}
