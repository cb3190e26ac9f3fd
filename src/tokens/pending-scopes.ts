import { LONGEST_LIFE_MS } from '../oauth/lifetime.js';

/** Maximum number of sets of scopes. The oldest attempt is dropped first. */
const MOST = 10_000;

/** An attempt to remove the token of a set of scopes from the store. */
interface Attempt {
  /** Every token that was in the store at the attempt has expired by then. On the monotonic clock. */
  readonly endsAt: number;
}

/** The sets of scopes whose token should be removed from the store, without confirmation from the store. */
export class PendingScopes {
  /** The oldest attempt first. */
  readonly #attempts = new Map<string, Attempt>();

  /**
   * Adds a set of scopes.
   *
   * @returns a function that removes it when this attempt was answered, unless a later attempt has begun.
   */
  begin(scope: string): () => void {
    const attempt: Attempt = { endsAt: performance.now() + LONGEST_LIFE_MS };
    this.#attempts.delete(scope);
    this.#attempts.set(scope, attempt);
    const [oldest] = this.#attempts.keys();
    if (this.#attempts.size > MOST && oldest !== undefined) this.#attempts.delete(oldest);
    return () => {
      if (this.#attempts.get(scope) === attempt) this.#attempts.delete(scope);
    };
  }

  /** Returns those whose token may still be valid. */
  list(): string[] {
    for (const [scope, { endsAt }] of this.#attempts) {
      if (endsAt > performance.now()) break;
      this.#attempts.delete(scope);
    }
    return [...this.#attempts.keys()];
  }
}
