import type { MoovScopeError } from '../errors.js';
import type { AbortSignalLike } from '../utils/timers.js';
import type { Token } from './token.js';

/** The token for repeating a call after a 401. */
export interface ReplayToken {
  /**
   * `new`: another token than the refused one, cached or promised. `held`: the refused token itself, because renewals
   * are paused and other calls succeed with it.
   */
  readonly kind: 'new' | 'held';
  readonly token: Token | Promise<Token>;
}

/** Supplies calls with the token of a set of scopes, and records which tokens are refused. */
export interface TokenSupplier {
  /**
   * Returns the token for a call: at once if one is cached, otherwise as a promise.
   *
   * @param signal - Aborts when this caller no longer waits. A token request that nobody waits for is not started.
   */
  get(signal?: AbortSignalLike): Token | Promise<Token>;
  /**
   * Returns the token to repeat a call with after a 401, or `undefined` when that would not help.
   *
   * @param generation - The generation of the refused token.
   * @param signal - As for {@link get}.
   */
  tokenAfter401(generation: number, signal?: AbortSignalLike): ReplayToken | undefined;
  /** Records that a call with the token of this generation got another status than 401. */
  accepted(generation: number): void;
  /** Records that a token that was requested after the first 401 of a call was refused too. */
  stillUnauthorized(generation: number): void;
}

/** Replaces a token source for a request whose account is missing or invalid. Each call rejects with the reason. */
export function noToken(why: () => MoovScopeError): TokenSupplier {
  const refuse = () => Promise.reject(why());
  return {
    get: refuse,
    tokenAfter401: () => undefined,
    accepted: () => undefined,
    stillUnauthorized: () => undefined,
  };
}
