import type { AuthToken } from '../oauth/operations.js';

/** The share of its life after which a token is renewed in the background: between these, so that fleets spread. */
const AGEING_FROM = 0.75;
const AGEING_SPREAD = 0.1;

/** A token is not used for its last moments, which a request spends on its way. */
const LAST_MOMENTS = 0.05;
const LONGEST_LAST_MOMENTS_MS = 5_000;

/**
 * A token and its age. The secret is out of reach of inspection; the age is measured on the monotonic clock, and
 * on the wall clock too, as the monotonic one stands still while a machine sleeps.
 */
export class Token {
  readonly #accessToken: string;
  readonly #refreshToken: string | undefined;
  readonly #receivedMonotonic = performance.now();
  readonly #receivedWall = Date.now();
  readonly #usableMs: number;
  /** Counts the tokens of one source, so that a call can say which it used without keeping it. */
  readonly generation: number;
  readonly scope: string | undefined;
  readonly expiresAt: Date;
  /** When to renew in the background, in milliseconds from receipt. */
  readonly ageingMs: number;

  constructor(reply: AuthToken, generation: number) {
    this.#accessToken = reply.accessToken;
    this.#refreshToken = reply.refreshToken;
    this.generation = generation;
    this.scope = reply.scope;
    this.expiresAt = reply.expiresAt;
    this.#usableMs = reply.lifetimeMs - Math.min(LONGEST_LAST_MOMENTS_MS, reply.lifetimeMs * LAST_MOMENTS);
    this.ageingMs = reply.lifetimeMs * (AGEING_FROM + Math.random() * AGEING_SPREAD);
  }

  /** A method and not a property, as inspection reads properties. */
  accessToken(): string {
    return this.#accessToken;
  }

  refreshToken(): string | undefined {
    return this.#refreshToken;
  }

  get isGone(): boolean {
    return this.#age() >= this.#usableMs;
  }

  get isAgeing(): boolean {
    return this.#age() >= this.ageingMs;
  }

  #age(): number {
    return Math.max(performance.now() - this.#receivedMonotonic, Date.now() - this.#receivedWall);
  }
}
