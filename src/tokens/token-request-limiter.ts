import { MoovUnavailableError } from '../errors.js';
import { retryAfterHeader } from '../utils/retry-after.js';

/** How many token requests may be in flight at once, over all scopes and accounts. */
const MOST_IN_FLIGHT = 10;

/** Moov may ask for a longer wait, up to this, in milliseconds. */
export const LONGEST_HOLD_MS = 300_000;

/**
 * What all token requests of one `MoovAuth` pass through: at most ten at a time, in the order of their coming, and
 * none while Moov has asked to wait.
 */
export class TokenRequestLimiter {
  #inFlight = 0;
  readonly #queue: (() => void)[] = [];
  #heldUntil = 0;

  /**
   * Waits for a place, and for the end of a hold.
   *
   * @param mostMs - A hold longer than this is not waited for.
   * @param sleep - Waits that many milliseconds, or less when `signal` is aborted.
   * @throws the signal's reason when it is aborted; {@link MoovUnavailableError} for a hold that is too long.
   */
  async enter(signal: AbortSignal, mostMs: number, sleep: (ms: number) => Promise<void>): Promise<void> {
    this.#refuseLongHold(mostMs);
    await this.#place(signal);
    try {
      this.#refuseLongHold(mostMs);
      for (let wait = this.#heldMs; wait > 0; wait = this.#heldMs) {
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
    this.#heldUntil = Math.max(this.#heldUntil, performance.now() + Math.min(ms, LONGEST_HOLD_MS));
  }

  get #heldMs(): number {
    return this.#heldUntil - performance.now();
  }

  #refuseLongHold(mostMs: number): void {
    const held = this.#heldMs;
    if (held <= mostMs) return;
    throw new MoovUnavailableError("Moov's rate limit holds token requests back", {
      code: 'ERR_MOOV_RATE_LIMITED',
      headers: retryAfterHeader(held),
    });
  }

  async #place(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#inFlight < MOST_IN_FLIGHT) {
      this.#inFlight++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#queue.splice(this.#queue.indexOf(enter), 1);
        reject(signal.reason);
      };
      this.#queue.push(enter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}
