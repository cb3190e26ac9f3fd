/** The result of `MoovAuth.status()`. */
export interface MoovAuthStatus {
  /**
   * `starting`: no token yet, or none since a revocation. `ready`: there is a valid token, or the scopes need an account,
   * for which there is no token at the start. `degraded`: there is a valid
   * token, but the last renewal failed. `failed`: no token, and the last request for one failed. `closed`: after
   * `close()`.
   */
  readonly state: 'starting' | 'ready' | 'degraded' | 'failed' | 'closed';
  /** When the current token expires, by the local clock. */
  readonly expiresAt?: Date;
  /** Why the last token request failed; absent once one has succeeded. */
  readonly lastError?: {
    /** The error's code, such as `ERR_MOOV_NETWORK`. */
    readonly code: string;
    /** The error's message. */
    readonly message: string;
    /** When that was. */
    readonly at: Date;
  };
  /** The number of valid tokens in memory. */
  readonly tokens: number;
  /** The number of tokens that are no longer used and that Moov has not yet confirmed as revoked. */
  readonly pendingRevocations: number;
  /** Moov's rate limit, as far as it is known. Absent while no limit is known. */
  readonly rateLimit?: {
    /** The rate that calls keep to: the rate that was seen to pass, or that of the option `rateLimit`. */
    readonly requestsPerSecond: number;
    /** How many calls wait for their turn. */
    readonly waiting: number;
    /** How many of them are in the background. */
    readonly background: number;
  };
}
