const SHORTEST_MS = 5_000;
const LONGEST_MS = 60_000;

/**
 * Decides whether a 401 may cause a renewal.
 *
 * If a token that was requested after a 401 gets a 401 too, the application has a mistake, so 401s do not renew for 5
 * s. While other calls succeed with the token, the pause doubles, up to 60 s. If there was nothing but 401 for 5 s, the
 * token itself may have been revoked, and the next 401 renews it despite the pause.
 */
export class RenewalCooldown {
  #lengthMs = SHORTEST_MS;
  #refusedAt: number | undefined;
  #refusedGeneration: number | undefined;
  #acceptedAt = Number.NEGATIVE_INFINITY;
  #acceptedGeneration: number | undefined;

  /** A call with the current token got another status than 401. */
  accepted(generation: number): void {
    this.#acceptedAt = performance.now();
    this.#acceptedGeneration = generation;
  }

  /** A token that was requested after a 401 got a 401 too. Counts once for each token. */
  stillUnauthorized(generation: number): void {
    if (generation === this.#refusedGeneration) return;
    this.#refusedGeneration = generation;
    const signOfLife = this.#refusedAt !== undefined && this.#acceptedAt > this.#refusedAt;
    this.#lengthMs = signOfLife ? Math.min(LONGEST_MS, this.#lengthMs * 2) : SHORTEST_MS;
    this.#refusedAt = performance.now();
  }

  get allowsRenewal(): boolean {
    if (this.#refusedAt === undefined) return true;
    const now = performance.now();
    const since = now - this.#refusedAt;
    if (since >= this.#lengthMs) return true;
    return since >= SHORTEST_MS && now - this.#acceptedAt >= SHORTEST_MS;
  }

  /** Whether a call succeeded with this token in the last 5 s. */
  isKnownGood(generation: number): boolean {
    return generation === this.#acceptedGeneration && performance.now() - this.#acceptedAt < SHORTEST_MS;
  }
}
