import { MoovUnavailableError } from '../errors.js';
import { retryAfterHeader } from '../utils/retry-after.js';

/** How many token requests may be in flight at once, over all scopes and accounts. */
const MOST_IN_FLIGHT = 10;

/** How many token requests of each kind may wait. At ten at a time, they take about as long as a call's time limit. */
const MOST_WAITING = 1_000;

/** The `Retry-After` of a token request beyond that. */
const FULL_RETRY_MS = 5_000;

/** The longest wait that Moov may ask for, in milliseconds. */
export const LONGEST_HOLD_MS = 300_000;

/**
 * The purpose of a token, by priority: the start-up token and renewals, the first token of another account, a token for
 * a browser.
 */
export type TokenPriority = 'renewal' | 'account' | 'browser';

/**
 * Limits the token requests of one `MoovAuth`: at most ten at a time, by priority and then first come, first served,
 * and none while Moov's rate limit is in effect. Each priority has its own bounded queue, so that a flood of one kind
 * cannot block another.
 */
export class TokenRequestLimiter {
  #inFlight = 0;
  /** The queues, in the order in which they are served. */
  readonly #queues: Readonly<Record<TokenPriority, Set<() => void>>> = {
    renewal: new Set(),
    account: new Set(),
    browser: new Set(),
  };
  #heldUntil = 0;

  /**
   * Waits for a free place, and for the end of a pause.
   *
   * @param mostMs - The longest pause to wait for.
   * @param sleep - Waits that many milliseconds, or less when `signal` is aborted.
   * @throws the signal's reason when it is aborted; {@link MoovUnavailableError} for a longer pause, and when
   * too many are waiting.
   */
  async enter(
    signal: AbortSignal,
    mostMs: number,
    sleep: (ms: number) => Promise<void>,
    priority: TokenPriority,
  ): Promise<void> {
    this.#refuseLongHold(mostMs);
    await this.#place(signal, this.#queues[priority]);
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

  /** Gives the place to the next request. */
  leave(): void {
    for (const queue of Object.values(this.#queues)) {
      for (const enter of queue) {
        queue.delete(enter);
        enter();
        return;
      }
    }
    this.#inFlight--;
  }

  /** Pauses all requests after a 429. */
  hold(ms: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, performance.now() + Math.min(ms, LONGEST_HOLD_MS));
  }

  get #heldMs(): number {
    return this.#heldUntil - performance.now();
  }

  #refuseLongHold(mostMs: number): void {
    const held = this.#heldMs;
    if (held <= mostMs) return;
    throw new MoovUnavailableError("Token requests are paused by Moov's rate limit", {
      code: 'ERR_MOOV_RATE_LIMITED',
      headers: retryAfterHeader(held),
    });
  }

  async #place(signal: AbortSignal, queue: Set<() => void>): Promise<void> {
    signal.throwIfAborted();
    if (this.#inFlight < MOST_IN_FLIGHT) {
      this.#inFlight++;
      return;
    }
    if (queue.size >= MOST_WAITING) {
      throw new MoovUnavailableError(`${MOST_WAITING} token requests are waiting already`, {
        code: 'ERR_MOOV_RATE_LIMITED',
        headers: retryAfterHeader(FULL_RETRY_MS),
      });
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        queue.delete(enter);
        reject(signal.reason);
      };
      queue.add(enter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}
