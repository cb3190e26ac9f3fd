import type { Turn } from './turn-window.js';

/** The wait after a 429 that asks for none. */
const DEFAULT_MS = 1_000;

/** After so long one call tries, whatever a 429 asked for. */
const LONGEST_MS = 60_000;

/** The time after a 429 in which no call goes. */
export class Hold {
  #until = Number.NEGATIVE_INFINITY;
  #askedMs = 0;
  #isTelling = false;
  isOn = false;
  /** When the 429 came that began it. */
  refusedAt = 0;
  /** Whether it was shorter than what was asked for: then one call tries. */
  isTrial = false;
  /** The call that tries. */
  trial: Turn | undefined;

  /** When it ends; the distant past without one. */
  get until(): number {
    return this.isOn ? this.#until : Number.NEGATIVE_INFINITY;
  }

  /**
   * @param isTelling - Whether the call kept to the rate, so that its 429 tells something of the rate.
   * @returns whether it begins. A 429 of a call in flight prolongs it if it asks for more.
   */
  refused(now: number, waitMs: number | undefined, turn: Turn | undefined, isTelling: boolean): boolean {
    this.ended(turn);
    if (isTelling) this.#isTelling = true;
    const asked = waitMs ?? DEFAULT_MS;
    const begins = !this.isOn;
    if (begins) this.refusedAt = now;
    if (begins || asked > this.#askedMs) {
      this.#askedMs = asked;
      this.#until = now + Math.min(asked, LONGEST_MS);
    }
    this.isOn = true;
    return begins;
  }

  /** @returns whether its 429s told something of the rate. */
  end(): boolean {
    const isTelling = this.#isTelling;
    this.isOn = this.#isTelling = false;
    this.isTrial = this.#askedMs > LONGEST_MS;
    return isTelling;
  }

  /** A call goes. */
  sent(turn: Turn): void {
    if (this.isTrial) this.trial = turn;
  }

  /** A call has ended. */
  ended(turn: Turn | undefined): void {
    if (turn === this.trial) this.trial = undefined;
  }

  /** A call passed that went after it. */
  succeeded(): void {
    this.isTrial = false;
  }
}
