import { MoovUnavailableError, timeoutError } from '../errors.js';
import type { Emit } from '../events.js';
import type { StoredToken } from '../token-store.js';
import { PendingScopes } from './pending-scopes.js';
import { type ResilientTokenStore, type RevokeAnswer, UNAVAILABLE } from './resilient-token-store.js';

/** How many tokens are removed from the store at once. */
const MOST_AT_ONCE = 100;

/** The parts of {@link StoreRevocations}. */
export interface StoreRevocationsParts {
  store: ResilientTokenStore;
  /** The name of a set of scopes in the store, if it is known. */
  keyFor: (scope: string) => Promise<string | undefined>;
  /** Revokes a token that the store removed after the time limit. */
  revoke: (token: StoredToken) => void;
  emit: Emit;
}

/** The result of {@link StoreRevocations.revokeAll}. */
export interface TakenOut {
  /** The tokens that were in the store. They must be revoked at Moov. */
  readonly tokens: readonly StoredToken[];
  /** Why the store could not be asked for all sets of scopes; the first error. */
  readonly failure: MoovUnavailableError | undefined;
}

/**
 * Removes tokens from the store. Only an answer of the store proves that a token is not there. Without one, the set of
 * scopes stays pending until a later call or a late answer settles it, or every token of that time has expired.
 */
export class StoreRevocations {
  readonly #parts: StoreRevocationsParts;
  readonly #pending = new PendingScopes();

  constructor(parts: StoreRevocationsParts) {
    this.#parts = parts;
  }

  /** The number of sets of scopes that may have a token in the store that should be revoked. */
  get count(): number {
    return this.#pending.list().length;
  }

  /**
   * Removes the tokens of these sets of scopes, and of the pending ones, from the store. Never rejects.
   *
   * @param end - By `performance.now()`. Sets of scopes that were not asked for by then stay pending.
   */
  async revokeAll(asked: Iterable<string>, end: number): Promise<TakenOut> {
    const scopes = [...new Set([...asked, ...this.#pending.list()])];
    const tokens: StoredToken[] = [];
    let failure: MoovUnavailableError | undefined;
    for (let first = 0; first < scopes.length; first += MOST_AT_ONCE) {
      const some = scopes.slice(first, first + MOST_AT_ONCE);
      // The names of all sets of scopes need the same client ID.
      if (performance.now() > end || failure?.code === 'ERR_MOOV_KEY_UNREADABLE') {
        for (const scope of some) this.#pending.begin(scope);
        failure ??= timeoutError('The token store could not be asked for every token in time');
        continue;
      }
      const results = await Promise.all(some.map((scope) => this.#revoke(scope)));
      for (const result of results) {
        tokens.push(...result.tokens);
        failure ??= result.failure;
      }
    }
    return { tokens, failure };
  }

  async #revoke(scope: string): Promise<TakenOut> {
    const { store, keyFor, revoke, emit } = this.#parts;
    const settle = this.#pending.begin(scope);
    const key = await keyFor(scope);
    if (key === undefined) return notAsked('the client ID could not be read', 'ERR_MOOV_KEY_UNREADABLE');
    const answer = await store.revoke(key, (late) => {
      if (!isUnreadable(late)) settle();
      for (const token of tokensIn(late)) revoke(token);
    });
    if (answer === UNAVAILABLE) return notAsked('it gave no answer', 'ERR_MOOV_STORE_UNAVAILABLE');
    if (isUnreadable(answer)) {
      emit({ type: 'store.unreadable' });
      const why = "a token in it can't be decrypted";
      return { ...notAsked(why, 'ERR_MOOV_STORE_UNAVAILABLE'), tokens: tokensIn(answer) };
    }
    settle();
    return { tokens: tokensIn(answer), failure: undefined };
  }
}

/** Returns the error for an attempt with unknown outcome: a token may still be in the store, and valid. */
function notAsked(why: string, code: 'ERR_MOOV_KEY_UNREADABLE' | 'ERR_MOOV_STORE_UNAVAILABLE'): TakenOut {
  const message = `The token store could not be asked for the token to revoke: ${why}. Call revoke() again.`;
  return { tokens: [], failure: new MoovUnavailableError(message, { code }) };
}

function tokensIn(answer: RevokeAnswer): readonly StoredToken[] {
  if (answer === undefined) return [];
  return 'tokens' in answer ? answer.tokens : [answer];
}

function isUnreadable(answer: RevokeAnswer): boolean {
  return answer !== undefined && 'unreadable' in answer && answer.unreadable === true;
}
