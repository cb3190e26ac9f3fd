import type { AuthToken } from '../oauth/token-request.js';
import type { StoredToken, TokenGeneration } from '../token-store.js';

/** The share of its life after which a token is renewed in the background: between these, so that fleets spread. */
const AGEING_FROM = 0.75;
const AGEING_SPREAD = 0.1;

/** A token is not used for its last moments, which a request spends on its way. */
const LAST_MOMENTS = 0.05;
const LONGEST_LAST_MOMENTS_MS = 5_000;

/** A token request is seldom longer; a store does not say when it began. */
const LONGEST_REQUEST_MS = 1_000;

/** Processes that took a token from another renew it this much later than that one, as a share of its life. */
const TAKERS_SPREAD = 0.02;

/** Where a token stands in the store, so that a newer one can be told from it. */
export interface Shared {
  readonly key: string;
  readonly generation: TokenGeneration;
}

/** A token as a source gets it: from Moov, or from the store with a part of its life gone. */
export interface ObtainedToken extends StoredToken {
  /** How much of its life is left, in milliseconds. */
  readonly leftMs: number;
  readonly from: 'moov' | 'store';
  /** When its request to Moov began, by `performance.now()`; absent when another process made it. */
  readonly requestedAt?: number | undefined;
  /** Absent when the store was not there to take it. */
  readonly shared?: Shared | undefined;
}

/**
 * A token fresh from Moov, with the moment drawn at which it is to be renewed.
 *
 * @param requestedAt - When its request began, by `performance.now()`.
 */
export function fromMoov(reply: AuthToken, requestedAt: number): ObtainedToken {
  const lifeMs = reply.lifetimeMs;
  return {
    accessToken: reply.accessToken,
    refreshToken: reply.refreshToken,
    scope: reply.scope,
    lifeMs,
    leftMs: lifeMs,
    renewAtLeftMs: lifeMs * (1 - AGEING_FROM - Math.random() * AGEING_SPREAD),
    from: 'moov',
    requestedAt,
  };
}

/** How much of a life no request is begun in any more, in milliseconds. */
export function expiryMarginMs(lifeMs: number): number {
  return Math.min(LONGEST_LAST_MOMENTS_MS, lifeMs * LAST_MOMENTS);
}

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
  readonly shared: Shared | undefined;
  readonly expiresAt: Date;
  /** When its request to Moov began, by `performance.now()`: only a later one than a 401 is new evidence. */
  readonly requestedAt: number;
  /** When to renew in the background, in milliseconds from receipt. */
  readonly renewInMs: number;
  readonly #leftMs: number;

  constructor(obtained: ObtainedToken, generation: number) {
    const { lifeMs, leftMs } = obtained;
    this.#accessToken = obtained.accessToken;
    this.#refreshToken = obtained.refreshToken;
    this.generation = generation;
    this.scope = obtained.scope;
    this.shared = obtained.shared;
    // Of one from the store only its age is known, and that from its receipt on.
    this.requestedAt = obtained.requestedAt ?? performance.now() - (lifeMs - leftMs) - LONGEST_REQUEST_MS;
    this.expiresAt = new Date(Date.now() + leftMs);
    this.#leftMs = leftMs;
    this.#usableMs = leftMs - expiryMarginMs(lifeMs);
    const spread = obtained.from === 'store' ? lifeMs * Math.random() * TAKERS_SPREAD : 0;
    this.renewInMs = Math.max(0, leftMs - obtained.renewAtLeftMs) + spread;
  }

  /** A method and not a property, as inspection reads properties. */
  accessToken(): string {
    return this.#accessToken;
  }

  refreshToken(): string | undefined {
    return this.#refreshToken;
  }

  get isExpired(): boolean {
    return this.#age() >= this.#usableMs;
  }

  get shouldRenew(): boolean {
    return this.#age() >= this.renewInMs;
  }

  /** How much of its life is left by now, in milliseconds; 0 at least. */
  get leftMs(): number {
    return Math.max(0, this.#leftMs - this.#age());
  }

  /** The time until it is due to be renewed, in milliseconds; 0 at least. */
  get untilRenewalMs(): number {
    return Math.max(0, this.renewInMs - this.#age());
  }

  #age(): number {
    return Math.max(performance.now() - this.#receivedMonotonic, Date.now() - this.#receivedWall);
  }
}
