/** In fifths of a retry, because whole numbers have no rounding errors. */
const MOST = 50;
const EARNED = 1;
const SPENT = 5;

/**
 * Limits retries, so that they do not multiply the load while Moov fails: ten retries in reserve, a fifth of a retry
 * earned by each new call, one spent by each retry. In the long run, at most 20 % of the requests are retries.
 */
export class RetryBudget {
  #left = MOST;

  earn(): void {
    this.#left = Math.min(MOST, this.#left + EARNED);
  }

  /** The same for something less urgent than a retry: half of the reserve is kept. */
  spendSpare(): boolean {
    return this.#left - SPENT >= MOST / 2 && this.spend();
  }

  /** @returns whether a retry is allowed; if so, it is subtracted. */
  spend(): boolean {
    if (this.#left < SPENT) return false;
    this.#left -= SPENT;
    return true;
  }
}
