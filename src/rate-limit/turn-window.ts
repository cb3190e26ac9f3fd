import { RecentTimes } from './recent-times.js';

/** Limits are counted in requests per second. */
export const WINDOW_MS = 1_000;

/** A slow response does not keep its turn: Moov counted the call when it arrived. */
const LATEST_COUNT_MS = 250;

/** The shortest time between two searches for slow responses. */
const BETWEEN_LOOKS_MS = 50;

/** How much response times vary. */
const JITTER_MS = 20;

/** The turn of one call, from when it goes until its response. */
export interface Turn {
  readonly sentAt: number;
  /** Whether it went only because the rate was raised. */
  readonly isTest: boolean;
}

/** The turns that count towards what may go in a second: those in flight, and those whose response is younger. */
export class TurnWindow {
  readonly #inFlight = new Set<Turn>();
  readonly #counted: RecentTimes;
  readonly #isStrict: boolean;
  /** The shortest time to a response: the way to the server and back takes at least that. */
  #leastMs = Number.POSITIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param counted - When calls were answered that had no turn.
   * @param isStrict - Whether each turn counts from its response, so that no 429 comes even when the process was busy.
   */
  constructor(counted: readonly number[], isStrict: boolean) {
    this.#counted = new RecentTimes(WINDOW_MS, counted);
    this.#isStrict = isStrict;
  }

  /** How many were answered in the last second, or should have been. */
  get counted(): number {
    return this.#counted.size;
  }

  /** With those in flight. */
  get used(): number {
    return this.#inFlight.size + this.#counted.size;
  }

  begin(turn: Turn): void {
    this.#inFlight.add(turn);
  }

  /**
   * A call was answered, or is lost: its turn counts for another second. The server counts a call after its way there and
   * before its way back, so the time that both take at least is taken off, unless the window is strict.
   */
  end(now: number, turn: Turn | undefined): void {
    if (turn === undefined) this.#counted.add(now);
    else if (this.#inFlight.delete(turn)) {
      this.#leastMs = Math.min(this.#leastMs, now - turn.sentAt);
      this.#counted.add(this.#isStrict ? now : now - Math.max(0, this.#leastMs - JITTER_MS));
    }
  }

  /**
   * A turn does not count any more.
   *
   * @returns whether it did.
   */
  drop(turn: Turn | undefined): boolean {
    return turn !== undefined && this.#inFlight.delete(turn);
  }

  forget(now: number): void {
    this.#counted.forget(now);
  }

  /**
   * Counts the turns whose responses are slow. It is to be called by a timer: only what was slow at an earlier call is
   * counted, so that responses that came while the process was busy are read first.
   */
  expire(now: number): void {
    if (now - this.#lookedAt < BETWEEN_LOOKS_MS) return;
    for (const turn of this.#inFlight) {
      const countedAt = turn.sentAt + LATEST_COUNT_MS;
      if (countedAt > this.#lookedAt) break;
      this.#inFlight.delete(turn);
      this.#counted.add(countedAt);
    }
    this.#lookedAt = now;
  }

  /** When there is room for one more than `most - 1`; infinite when that is not known. */
  roomAt(now: number, most: number): number {
    const over = this.used - most;
    if (over < 0) return now;
    const counted = this.#counted.at(over);
    if (counted !== undefined) return counted + WINDOW_MS;
    let index = over - this.#counted.size;
    for (const { sentAt } of this.#inFlight)
      if (index-- === 0) return Math.max(now + BETWEEN_LOOKS_MS, sentAt + LATEST_COUNT_MS + WINDOW_MS);
    return Number.POSITIVE_INFINITY;
  }
}
