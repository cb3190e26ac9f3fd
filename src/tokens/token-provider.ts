import type { Timers } from '../utils/timers.js';
import type { ObtainedToken, Shared, Token } from './token.js';
import type { TokenPriority } from './token-request-limiter.js';

/** The state of a token source that needs a new token. */
export interface RenewalContext {
  /** The current token: missing, due for renewal, or refused. */
  held: Token | undefined;
  /** The generation of the last token in the store. */
  known: Shared | undefined;
  /** The priority of the token request. */
  priority: TokenPriority;
  /** How many attempts may follow the first. None for the source's own retries, because more of them follow anyway. */
  retries: number;
  /** Aborts when nobody waits for the token any more, or at `close()`. A request that was sent to Moov continues. */
  signal: AbortSignal;
  timers: Timers;
}

/** Gets a token, from Moov or from the store; `undefined` when a revocation elsewhere overtook it. */
export type TokenRequest = (context: RenewalContext) => Promise<ObtainedToken | undefined>;

/** Provides the tokens of all sets of scopes: from Moov, or from Moov and a store. */
export interface TokenProvider {
  /** Returns the function that gets the tokens of one set of scopes. */
  forScopes(scope: string): TokenRequest;
}
