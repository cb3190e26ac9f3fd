import type { Timers } from '../utils/timers.js';
import type { ObtainedToken, Shared, Token } from './token.js';

/** What a source tells of its state when it wants a new token. */
export interface RenewalContext {
  /** The token held, which is missing, ageing or was refused. */
  held: Token | undefined;
  /** Where the last token held stood in the store. */
  known: Shared | undefined;
  /** How many attempts may follow the first: none for a probe, which others follow anyway. */
  retries: number;
  signal: AbortSignal;
  timers: Timers;
}

/** Obtains a token, at Moov or from the store; `undefined` when a revocation elsewhere overtook it. */
export type TokenProvider = (want: RenewalContext) => Promise<ObtainedToken | undefined>;
