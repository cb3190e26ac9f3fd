import { Hold } from './hold.js';
import { learnRate } from './learn-rate.js';
import { type Turn, TurnWindow, WINDOW_MS } from './turn-window.js';

/** The lowest rate to begin with, as calls of other processes may have used the limit up: Moov's lowest. */
const FIRST_RATE = 10;

/** The part of the rate that passed at which calls go on after the first hold. Other processes may have got nothing. */
const FIRST_PART = 1 / 4;

/** The first step back to a rate that has passed, as a part of that. */
const BACK_PART = 1 / 10;

/** The pause between a raise of the rate that Moov refused and the next one. */
const RAISE_PAUSE_MS = 4_000;

/** The pause after a 429 that no raise explains: others use the limit too, and what they leave is found soon. */
const SHARED_PAUSE_MS = 1_000;

/** A call that tests a higher rate goes this long after the others of its second, when its 429 costs the least. */
const TEST_GAP_MS = 100;

/**
 * Says when the next call may go, once Moov has answered 429. It has no timers and no clock: each method is given the
 * time in milliseconds.
 *
 * The kind of limit that the server has is not known, so two are kept to at once. At most `rate` calls go in a second,
 * counted from about when the server counts them, and from their responses when the rate is that of the options: that
 * suits a window, sliding or fixed. At most `burst` calls go at once and the others evenly behind them: that suits a
 * bucket of tokens, however small. Both are what was seen to pass.
 *
 * The rate is then raised by 1, 2, 4 ... as long as the calls that test it pass, and by larger steps up to what was seen
 * to pass. A 429 ends that, and the next raise follows after a pause. So a limit that is lifted is found within seconds,
 * and one that stays costs a 429 now and then.
 */
export class RateLimiter {
  /** The rate that the options allow. */
  readonly #most: number;
  /** Calls a second; 0 before the end of the first hold. */
  #rate: number;
  /** The rate that was seen to pass. The rate is below it after the first hold, and above it while a raise is tested. */
  #known: number;
  #burst: number;
  #tokens: number;
  #tokensAt: number;
  readonly #window: TurnWindow;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  /** When a call last had to wait for the rate, and not for a hold. */
  #heldBackAt = Number.NEGATIVE_INFINITY;

  readonly #hold = new Hold();
  /** How many passed in one second, before the last 429 or of those in flight then. */
  #seen = 0;
  /** Whether calls had to wait for the rate in the second before it. */
  #wasUsedUp = false;

  /** When the last hold ended, and what happened since. */
  #resumedAt: number;
  #tokensAtResume: number;
  #countedSinceResumed = 0;

  #isRaising = false;
  #raiseBy = 1;
  #rateBefore = 0;
  #raisedAt = 0;
  #raiseAt = 0;

  /**
   * @param passed - When the calls of the last second passed, which went without a limit.
   * @param most - The rate of the options, which is kept from the first call and not exceeded; infinite without one.
   */
  constructor(now: number, passed: readonly number[] = [], most = Number.POSITIVE_INFINITY) {
    this.#most = most;
    this.#rate = this.#known = this.#burst = this.#tokens = Number.isFinite(most) ? most : 0;
    this.#tokensAtResume = this.#tokens;
    this.#tokensAt = this.#resumedAt = now;
    this.#window = new TurnWindow(passed, Number.isFinite(most));
  }

  /** Calls a second; 0 while nothing is known. */
  get rate(): number {
    return this.#rate;
  }

  /** The rate to count on: what was seen to pass, also while it is approached again. */
  get expectedRate(): number {
    return this.#rate === 0 ? Math.max(FIRST_RATE, this.#seen) : Math.max(this.#rate, this.#known);
  }

  /** Whether a rate is being tested that has not passed before, so that a 429 is to be expected. */
  get isTesting(): boolean {
    return this.#rate > this.#known;
  }

  /** When the hold after a 429 ends; the distant past without one. */
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
    this.#endHold(now);
    this.#window.forget(now);
    if (this.#hold.isTrial) return this.#hold.hasTrial ? Number.POSITIVE_INFINITY : now;
    this.#raise(now);
    this.#refill(now);
    const needed = isBackground && this.#burst >= 2 ? 2 : 1;
    const tokenAt = now + (Math.max(0, needed - this.#tokens) / this.#rate) * 1000;
    const spare = this.#spare(isBackground);
    const roomAt = this.#window.roomAt(now, Math.max(1, Math.floor(this.#rate) - spare));
    const testAt = this.#isTest(spare) && !this.#isPaced ? this.#lastSentAt + TEST_GAP_MS : now;
    const at = Math.max(now, tokenAt, roomAt, testAt);
    if (at > now) this.#heldBackAt = now;
    return at;
  }

  /** A call goes. */
  sent(now: number, isBackground = false): Turn {
    const turn: Turn = { sentAt: now, isTest: this.#isTest(this.#spare(isBackground)) };
    this.#tokens = Math.max(0, this.#tokens - 1);
    this.#lastSentAt = now;
    this.#window.begin(turn);
    this.#hold.sent(turn);
    return turn;
  }

  /** A turn was not used. */
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
    this.ended(now, turn);
    if (this.#hold.isOn || turn === undefined || turn.sentAt < this.#resumedAt) return;
    this.#hold.passed();
    if (this.#isRaising && turn.isTest && turn.sentAt >= this.#raisedAt) this.#raiseFurther(now);
  }

  /** A timer has fired: ends a hold that is over, and counts slow turns; see {@link TurnWindow.expire}. */
  expire(now: number): void {
    this.#window.expire(now);
    this.#endHold(now);
  }

  /** A request goes that is no call and does not wait. @returns what {@link ended} is to be given at its end. */
  counted(now: number): Turn {
    const turn: Turn = { sentAt: now, isTest: false };
    this.#window.begin(turn);
    return turn;
  }

  /** A call ended without a response, or a request that is no call ended: Moov has counted it, as far as is known. */
  ended(now: number, turn: Turn | undefined): void {
    this.#window.end(now, turn);
    this.#countedSinceResumed++;
    this.#hold.ended(turn);
    if (this.#hold.isOn) this.#see(now);
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
    // The 429 of a call that went before the last hold ended says nothing of the rate since.
    const isOfRate = turn !== undefined && turn.sentAt >= this.#resumedAt;
    const begins = this.#hold.refused(now, waitMs, turn, isOfRate);
    if (begins) {
      this.#seen = 0;
      this.#wasUsedUp = this.#heldBackAt >= Math.max(this.#resumedAt, now - WINDOW_MS);
    }
    this.#see(now);
    return begins;
  }

  /** Counts what passed in a second, also while the responses come in of calls that were in flight. */
  #see(now: number): void {
    this.#window.forget(now);
    this.#seen = Math.max(this.#seen, this.#window.counted);
  }

  #endHold(now: number): void {
    if (!this.#hold.isOn || now < this.#hold.until) return;
    if (this.#hold.end() || this.#rate === 0) this.#learn(now);
    // Those that came in during the hold, and two at least: a call that is refused again does not keep all others back.
    const savedUp = ((now - this.#hold.refusedAt) / 1000) * this.#rate;
    this.#tokens = Math.min(this.#burst, Math.max(2, savedUp));
    this.#tokensAt = this.#resumedAt = now;
    this.#tokensAtResume = this.#tokens;
    this.#countedSinceResumed = 0;
    this.#isRaising = false;
  }

  /** Sets rate and burst to what passed before the 429. */
  #learn(now: number): void {
    if (this.#rate === 0) {
      this.#known = this.#burst = Math.max(FIRST_RATE, this.#seen);
      this.#rate = Math.max(FIRST_RATE, this.#known * FIRST_PART);
      this.#raiseAt = now + WINDOW_MS;
      return;
    }
    const { isTesting } = this;
    this.#raiseAt = now + (isTesting ? RAISE_PAUSE_MS : SHARED_PAUSE_MS);
    // It was not for the rate when fewer calls went than might have, or when not even the first one passed.
    if (!this.#wasUsedUp || this.#countedSinceResumed === 0) {
      this.#rate = Math.min(this.#rate, this.#known);
      return;
    }
    const { known, burst } = learnRate({
      rate: this.#rate,
      known: this.#known,
      burst: this.#burst,
      isPaced: this.#isPaced,
      isTesting,
      tookMs: this.#hold.refusedAt - this.#resumedAt,
      passed: this.#countedSinceResumed,
      passedInSecond: this.#seen,
      savedUp: this.#tokensAtResume,
    });
    this.#rate = this.#known = known;
    this.#burst = burst;
  }

  /** Whether calls go evenly rather than at once. */
  get #isPaced(): boolean {
    return this.#burst <= this.#known / 2 || this.#burst <= this.#rate / 4;
  }

  /** Whether the next call goes only because the rate was raised. */
  #isTest(spare: number): boolean {
    return this.#isRaising && this.#window.used + spare >= Math.floor(this.#rateBefore);
  }

  /** The part of the window that a call in the background leaves to others. */
  #spare(isBackground: boolean): number {
    return isBackground && this.#rate >= 2 ? Math.ceil(this.#rate / 10) : 0;
  }

  #raise(now: number): void {
    if (this.#isRaising || now < this.#raiseAt || this.#rate >= this.#most) return;
    this.#isRaising = true;
    // Otherwise those that were saved up would go at once.
    if (this.#isPaced) this.#tokens = Math.min(this.#tokens, 1);
    this.#raiseBy = this.#rate < this.#known ? Math.max(1, this.#known * BACK_PART) : 1;
    this.#raiseFurther(now);
  }

  #raiseFurther(now: number): void {
    this.#rateBefore = this.#rate;
    this.#raisedAt = now;
    const most = this.#rate < this.#known ? this.#known : this.#most;
    this.#rate = Math.min(most, this.#rate + this.#raiseBy);
    if (this.#rate === most) this.#isRaising = false;
    this.#raiseBy *= 2;
  }

  #refill(now: number): void {
    const gained = ((now - this.#tokensAt) / 1000) * this.#rate;
    this.#tokens = Math.min(Math.max(1, this.#burst), this.#tokens + gained);
    this.#tokensAt = now;
  }
}
