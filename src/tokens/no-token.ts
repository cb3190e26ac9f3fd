import type { MoovScopeError } from '../errors.js';
import type { TokenSupplier } from './token-supplier.js';

/** Stands where a token source would, for a request whose account is missing or none: each call learns why. */
export function noToken(why: () => MoovScopeError): TokenSupplier {
  const refuse = () => Promise.reject(why());
  return {
    get: refuse,
    tokenAfter401: refuse,
    accepted: () => undefined,
    stillUnauthorized: () => undefined,
  };
}
