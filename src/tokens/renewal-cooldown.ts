const SHORTEST_MS = 5_000;
const LONGEST_MS = 60_000;

/**
 * Decides whether a 401 may cause a renewal.
 *
 * When a new token is answered with 401 too, the fault is the application's, so 401s stop renewing for 5 s. While
 * other calls show that the token is good the pause doubles, up to 60 s. When for 5 s nothing but 401 has come
 * back, the token itself may have been revoked, and the next 401 renews whatever the pause.
 */
export class RenewalCooldown {
  #lengthMs = SHORTEST_MS;
  #uncuredAt: number | undefined;
  #uncuredGeneration: number | undefined;
  #acceptedAt = Number.NEGATIVE_INFINITY;

  /** The token held was answered with something other than 401. */
  accepted(): void {
    this.#acceptedAt = performance.now();
  }

  /** A replay with the token held was answered with 401; that counts once for each token. */
  stillUnauthorized(generation: number): void {
    if (generation === this.#uncuredGeneration) return;
    this.#uncuredGeneration = generation;
    const signOfLife = this.#uncuredAt !== undefined && this.#acceptedAt > this.#uncuredAt;
    this.#lengthMs = signOfLife ? Math.min(LONGEST_MS, this.#lengthMs * 2) : SHORTEST_MS;
    this.#uncuredAt = performance.now();
  }

  get allowsRenewal(): boolean {
    if (this.#uncuredAt === undefined) return true;
    const now = performance.now();
    const since = now - this.#uncuredAt;
    if (since >= this.#lengthMs) return true;
    return since >= SHORTEST_MS && now - this.#acceptedAt >= SHORTEST_MS;
  }
}
