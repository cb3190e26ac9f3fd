import type { AuthToken } from '../oauth/token-request.js';
import type { StoredToken, TokenGeneration } from '../token-store.js';

/** A token is renewed after a random fraction of its lifetime between these, so that processes do not renew at once. */
const RENEWAL_FROM = 0.75;
const RENEWAL_SPREAD = 0.1;

/** A token is not used in this last fraction of its lifetime, because it could expire before a request arrives. */
const EXPIRY_MARGIN = 0.05;
const LONGEST_EXPIRY_MARGIN_MS = 5_000;

/** Few token requests take longer. A store does not record when the request began. */
const LONGEST_REQUEST_MS = 1_000;

/** A process with a token from another process renews it later than that one, by this fraction of the lifetime. */
const TAKERS_SPREAD = 0.02;

/** The key and generation of a token in the store, to recognise a newer one. */
export interface Shared {
  readonly key: string;
  readonly generation: TokenGeneration;
}

/** A token as a source receives it: from Moov, or from the store with less lifetime left. */
export interface ObtainedToken extends StoredToken {
  /** The remaining lifetime, in milliseconds. */
  readonly leftMs: number;
  readonly from: 'moov' | 'store';
  /** When its request to Moov began, by `performance.now()`; absent if another process requested it. */
  readonly requestedAt?: number | undefined;
  /** Absent if the store was unavailable. */
  readonly shared?: Shared | undefined;
}

/**
 * Creates a token received from Moov, with a random time for its renewal.
 *
 * @param requestedAt - When its request began, by `performance.now()`.
 */
export function fromMoov(response: AuthToken, requestedAt: number): ObtainedToken {
  const lifeMs = response.lifetimeMs;
  return {
    accessToken: response.accessToken,
    refreshToken: response.refreshToken,
    scope: response.scope,
    lifeMs,
    leftMs: lifeMs,
    renewAtLeftMs: lifeMs * (1 - RENEWAL_FROM - Math.random() * RENEWAL_SPREAD),
    from: 'moov',
    requestedAt,
  };
}

/** The time before expiry in which a token is no longer used, in milliseconds. */
export function expiryMarginMs(lifeMs: number): number {
  return Math.min(LONGEST_EXPIRY_MARGIN_MS, lifeMs * EXPIRY_MARGIN);
}

/**
 * A token and its age. Inspection cannot show the secret. The age is measured on the monotonic clock and on the wall
 * clock, because the monotonic clock stops while a machine sleeps.
 */
export class Token {
  readonly #accessToken: string;
  readonly #refreshToken: string | undefined;
  readonly #receivedMonotonic = performance.now();
  readonly #receivedWall = Date.now();
  readonly #usableMs: number;
  /** Numbers the tokens of one source, so that a call can identify its token without keeping it. */
  readonly generation: number;
  readonly scope: string | undefined;
  readonly shared: Shared | undefined;
  readonly expiresAt: Date;
  /** When its request to Moov began, by `performance.now()`: only a token requested after a 401 is new evidence. */
  readonly requestedAt: number;
  /** When to renew in the background, in milliseconds after receipt. */
  readonly renewInMs: number;
  readonly #leftMs: number;

  constructor(obtained: ObtainedToken, generation: number) {
    const { lifeMs, leftMs } = obtained;
    this.#accessToken = obtained.accessToken;
    this.#refreshToken = obtained.refreshToken;
    this.generation = generation;
    this.scope = obtained.scope;
    this.shared = obtained.shared;
    // For a token from the store, only its age is known.
    this.requestedAt = obtained.requestedAt ?? performance.now() - (lifeMs - leftMs) - LONGEST_REQUEST_MS;
    this.expiresAt = new Date(Date.now() + leftMs);
    this.#leftMs = leftMs;
    this.#usableMs = leftMs - expiryMarginMs(lifeMs);
    const spread = obtained.from === 'store' ? lifeMs * Math.random() * TAKERS_SPREAD : 0;
    this.renewInMs = Math.max(0, leftMs - obtained.renewAtLeftMs) + spread;
  }

  /** A method and not a property, because inspection reads properties. */
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

  /** The remaining lifetime in milliseconds; at least 0. */
  get leftMs(): number {
    return Math.max(0, this.#leftMs - this.#age());
  }

  /** The time until its renewal is due, in milliseconds; at least 0. */
  get untilRenewalMs(): number {
    return Math.max(0, this.renewInMs - this.#age());
  }

  #age(): number {
    return Math.max(performance.now() - this.#receivedMonotonic, Date.now() - this.#receivedWall);
  }
}
