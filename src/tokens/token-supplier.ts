import type { MoovScopeError } from '../errors.js';
import type { AbortSignalLike } from '../utils/timers.js';
import type { Token } from './token.js';

/** The token that a call is to be repeated with after a 401. */
export interface ReplayToken {
  /**
   * `new`: another token than the refused one, cached already or promised. `held`: the refused one itself, as
   * renewals are paused and other calls show that it is good.
   */
  readonly kind: 'new' | 'held';
  readonly token: Token | Promise<Token>;
}

/** Hands out the token of a set of scopes to calls, and learns from them which tokens are refused. */
export interface TokenSupplier {
  /**
   * Returns the token for a call: at once when one is cached, else as a promise.
   *
   * @param signal - When it aborts, this caller no longer waits. A token request that nobody waits for is not begun.
   */
  get(signal?: AbortSignalLike): Token | Promise<Token>;
  /**
   * Returns the token to repeat a call with after a 401, or `undefined` when that would not help.
   *
   * @param generation - Of the token that was refused.
   * @param signal - As for {@link get}.
   */
  tokenAfter401(generation: number, signal?: AbortSignalLike): ReplayToken | undefined;
  /** A call with the token of this generation was answered with something other than 401. */
  accepted(generation: number): void;
  /** A token that was requested after the first 401 of a call was refused too. */
  stillUnauthorized(generation: number): void;
}

/** Stands where a token source would, for a request whose account is missing or invalid: each call learns why. */
export function noToken(why: () => MoovScopeError): TokenSupplier {
  const refuse = () => Promise.reject(why());
  return {
    get: refuse,
    tokenAfter401: () => undefined,
    accepted: () => undefined,
    stillUnauthorized: () => undefined,
  };
}
