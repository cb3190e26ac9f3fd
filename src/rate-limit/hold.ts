import type { Turn } from './turn-window.js';

/** The wait after a 429 that asks for none. */
const DEFAULT_MS = 1_000;

/** The longest hold. When a 429 asks for more, one call tries after this time. */
const LONGEST_MS = 60_000;

/** The time after a 429 in which no call goes. */
export class Hold {
  #until = 0;
  #askedMs = 0;
  #isOfRate = false;
  #trial: Turn | undefined;
  #isOn = false;
  #isTrial = false;
  /** When the 429 came that began it. */
  refusedAt = 0;

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Whether it ended before what was asked for. Then one call tries, and no other goes until one has passed. */
  get isTrial(): boolean {
    return this.#isTrial;
  }

  /** When it ends; the distant past without one. */
  get until(): number {
    return this.#isOn ? this.#until : Number.NEGATIVE_INFINITY;
  }

  /** Whether the call that tries is on its way. */
  get hasTrial(): boolean {
    return this.#trial !== undefined;
  }

  /**
   * A call was answered with 429.
   *
   * @param isOfRate - Whether the call kept to the rate, so that its 429 says that the rate is too high.
   * @returns whether a hold begins. A 429 of a call that was in flight prolongs the one there is, if it asks for more.
   */
  refused(now: number, waitMs: number | undefined, turn: Turn | undefined, isOfRate: boolean): boolean {
    this.ended(turn);
    this.#isOfRate ||= isOfRate;
    const asked = waitMs ?? DEFAULT_MS;
    const begins = !this.#isOn;
    if (begins) this.refusedAt = now;
    if (begins || asked > this.#askedMs) {
      this.#askedMs = asked;
      this.#until = now + Math.min(asked, LONGEST_MS);
    }
    this.#isOn = true;
    return begins;
  }

  /** @returns whether one of its 429s says that the rate is too high. */
  end(): boolean {
    const isOfRate = this.#isOfRate;
    this.#isOn = this.#isOfRate = false;
    this.#isTrial = this.#askedMs > LONGEST_MS;
    return isOfRate;
  }

  /** A call goes. */
  sent(turn: Turn): void {
    if (this.#isTrial) this.#trial = turn;
  }

  /** A call has passed that went after the end. */
  passed(): void {
    this.#isTrial = false;
  }

  /** A call has ended, with or without a response. */
  ended(turn: Turn | undefined): void {
    if (turn === this.#trial) this.#trial = undefined;
  }
}
