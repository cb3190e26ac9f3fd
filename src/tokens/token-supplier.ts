import type { Token } from './token.js';

/** What hands out the token of a set of scopes to calls, and hears of 401s. */
export interface TokenSupplier {
  get(): Token | Promise<Token>;
  tokenAfter401(generation: number): Token | undefined | Promise<Token>;
  accepted(generation: number): void;
  stillUnauthorized(generation: number): void;
}
