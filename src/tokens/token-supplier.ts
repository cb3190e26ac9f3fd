import type { Token } from './token.js';

/** What hands out the token of a set of scopes to calls, and hears of 401s. */
export interface TokenSupplier {
  take(): Token | Promise<Token>;
  replace(generation: number): Token | undefined | Promise<Token>;
  accepted(generation: number): void;
  uncured(generation: number): void;
}
