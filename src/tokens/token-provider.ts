import type { Timers } from '../utils/timers.js';
import type { ObtainedToken, Shared, Token } from './token.js';
import type { TokenPriority } from './token-request-limiter.js';

/** The state of a token source that wants a new token. */
export interface RenewalContext {
  /** The token held, which is missing, ageing or was refused. */
  held: Token | undefined;
  /** Where the last token held stood in the store. */
  known: Shared | undefined;
  /** How important the token request is among those that wait. */
  priority: TokenPriority;
  /** How many attempts may follow the first: none for a retry of the source's own, which others follow anyway. */
  retries: number;
  /** Aborts when nobody waits for the token any more, or at `close()`. A request that Moov has been sent goes on. */
  signal: AbortSignal;
  timers: Timers;
}

/** Gets a token, from Moov or from the store; `undefined` when a revocation elsewhere overtook it. */
export type TokenRequest = (context: RenewalContext) => Promise<ObtainedToken | undefined>;

/** Where the tokens of all sets of scopes come from: Moov, or Moov and a store. */
export interface TokenProvider {
  /** Returns the function that gets the tokens of one set of scopes. */
  forScopes(scope: string): TokenRequest;
}
