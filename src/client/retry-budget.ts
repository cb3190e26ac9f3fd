/** In fifths of a retry, as whole numbers do not drift. */
const MOST = 50;
const EARNED = 1;
const SPENT = 5;

/**
 * Keeps retries from multiplying the load on a Moov that is failing: ten retries in reserve, a fifth earned by each
 * new call, one spent by each retry. In the long run at most 20 % of the requests are retries.
 */
export class RetryBudget {
  #left = MOST;

  earn(): void {
    this.#left = Math.min(MOST, this.#left + EARNED);
  }

  /** The same for what is less urgent than a retry: half of the reserve stays. */
  spendSpare(): boolean {
    return this.#left - SPENT >= MOST / 2 && this.spend();
  }

  /** @returns whether a retry may be made; then it is paid for. */
  spend(): boolean {
    if (this.#left < SPENT) return false;
    this.#left -= SPENT;
    return true;
  }
}
