const SHORTEST_MS = 5_000;
const LONGEST_MS = 60_000;

/**
 * Decides whether a 401 may cause a renewal.
 *
 * When a token that was requested after a 401 is answered with 401 too, the fault is the application's, so 401s stop
 * renewing for 5 s. While other calls show that the token is good the pause doubles, up to 60 s. When for 5 s nothing
 * but 401 has come back, the token itself may have been revoked, and the next 401 renews whatever the pause.
 */
export class RenewalCooldown {
  #lengthMs = SHORTEST_MS;
  #refusedAt: number | undefined;
  #refusedGeneration: number | undefined;
  #acceptedAt = Number.NEGATIVE_INFINITY;
  #acceptedGeneration: number | undefined;

  /** The token held was answered with something other than 401. */
  accepted(generation: number): void {
    this.#acceptedAt = performance.now();
    this.#acceptedGeneration = generation;
  }

  /** A token that was requested after a 401 was answered with 401; that counts once for each token. */
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

  /** Whether a call with this very token was accepted in the last 5 s. */
  isKnownGood(generation: number): boolean {
    return generation === this.#acceptedGeneration && performance.now() - this.#acceptedAt < SHORTEST_MS;
  }
}
