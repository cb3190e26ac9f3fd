/** The result of `MoovAuth.status()`. */
export interface MoovAuthStatus {
  /**
   * `starting`: no token yet, or none since a revocation. `ready`: a token is held. `degraded`: a token is held, but
   * the last renewal failed. `failed`: no token is held, and the last request for one failed. `closed`: after `close()`.
   */
  readonly state: 'starting' | 'ready' | 'degraded' | 'failed' | 'closed';
  /** When the token held expires, by the local clock. */
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
  /** How many tokens are held. */
  readonly tokens: number;
  /** How many tokens are no longer used, but not yet confirmed by Moov as revoked. */
  readonly pendingRevocations: number;
  /** The rate limit of Moov's that calls keep to. Absent while none is known. */
  readonly rateLimit?: {
    /** The rate at which calls go: what was seen to pass, or the option `rateLimit`. */
    readonly requestsPerSecond: number;
    /** How many calls wait for their turn. */
    readonly waiting: number;
    /** How many of them are in the background. */
    readonly background: number;
  };
}
