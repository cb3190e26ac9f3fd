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
}
