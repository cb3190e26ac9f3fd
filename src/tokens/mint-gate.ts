/** How many token requests may be in flight at once, over all scopes and accounts. */
const MOST_IN_FLIGHT = 10;

/**
 * What all token requests of one `MoovAuth` pass through: at most ten at a time, in the order of their coming, and
 * none while Moov has asked to wait.
 */
export class MintGate {
  #inFlight = 0;
  readonly #queue: (() => void)[] = [];
  #heldUntil = 0;

  /**
   * Waits for a place, and for the end of a hold.
   *
   * @param sleep - Waits that many milliseconds, or less when `signal` is aborted.
   * @throws the signal's reason when it is aborted.
   */
  async enter(signal: AbortSignal, sleep: (ms: number) => Promise<void>): Promise<void> {
    await this.#place(signal);
    try {
      for (let wait = this.#wait(); wait > 0; wait = this.#wait()) {
        await sleep(wait);
        signal.throwIfAborted();
      }
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** Gives the place to whoever has waited longest. */
  leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#inFlight--;
    else next();
  }

  /** Holds all requests back, after a 429. */
  hold(ms: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, performance.now() + ms);
  }

  #wait(): number {
    return this.#heldUntil - performance.now();
  }

  async #place(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#inFlight < MOST_IN_FLIGHT) {
      this.#inFlight++;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#queue.push(resolve);
    });
    if (!signal.aborted) return;
    this.leave();
    signal.throwIfAborted();
  }
}
