import { LRUCache } from 'lru-cache';
import type { Token } from './token.js';
import type { TokenSource } from './token-source.js';
import type { TokenSupplier } from './token-supplier.js';

/** A token source, and what an Axios instance is made of: it asks the pool at each call, also after an eviction. */
interface Entry {
  readonly source: TokenSource;
  readonly supplier: TokenSupplier;
}

/** What a {@link TokenPool} is made of. */
export interface TokenPoolParts {
  make: (scope: string, autoRenew: boolean) => TokenSource;
  /** The scopes of the token that is kept at hand, if there is one. */
  startUp: string | undefined;
  /** How many others are kept. */
  maxTokens: number;
  /** Gets the token of a source that was evicted. */
  evicted: (token: Token) => void;
}

/**
 * The token sources of one `MoovAuth`, one for each set of scopes: the one requested at start-up for good, the others as long as they
 * are among the most recently used, have callers that wait, or have something in flight.
 */
export class TokenPool {
  readonly #parts: TokenPoolParts;
  readonly #others: LRUCache<string, Entry>;
  /** Sources that are no longer among the most recently used, and not idle yet. */
  readonly #leaving = new Map<string, Entry>();
  readonly #startUp: (Entry & { readonly scope: string }) | undefined;
  #closed = false;

  constructor(parts: TokenPoolParts) {
    this.#parts = parts;
    const { startUp, maxTokens } = parts;
    this.#others = new LRUCache({
      max: maxTokens,
      dispose: (entry, scope) => this.#leave(scope, entry),
    });
    this.#startUp = startUp === undefined ? undefined : { scope: startUp, ...this.#entry(startUp, true) };
  }

  /** The source of start-up. */
  get startUp(): TokenSource | undefined {
    return this.#startUp?.source;
  }

  /** The one source of a set of scopes in normal form; made here if there is none. */
  source(scope: string): TokenSource {
    return this.#find(scope).source;
  }

  /** The one supplier of a set of scopes while its source is kept. */
  supplier(scope: string): TokenSupplier {
    return this.#find(scope).supplier;
  }

  /** Closes the sources there are and those to come. @returns a promise of the end of what is in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.all().map((source) => source.close()));
  }

  /** Every source that is kept. */
  all(): TokenSource[] {
    return this.entries().map(([, source]) => source);
  }

  /** The same with the scopes of each. */
  entries(): [scope: string, source: TokenSource][] {
    const others = [...this.#others, ...this.#leaving].map(([scope, { source }]): [string, TokenSource] => [
      scope,
      source,
    ]);
    return this.#startUp === undefined ? others : [[this.#startUp.scope, this.#startUp.source], ...others];
  }

  /** The source of a set of scopes, if there is one. */
  #known(scope: string): Entry | undefined {
    if (this.#startUp?.scope === scope) return this.#startUp;
    return this.#others.get(scope) ?? this.#leaving.get(scope);
  }

  #find(scope: string): Entry {
    const known = this.#known(scope);
    if (known === undefined) {
      const made = this.#entry(scope, false);
      if (this.#closed) made.source.close();
      this.#others.set(scope, made);
      return made;
    }
    if (this.#leaving.delete(scope)) {
      known.source.stay();
      this.#others.set(scope, known);
    }
    return known;
  }

  #leave(scope: string, entry: Entry): void {
    this.#leaving.set(scope, entry);
    entry.source.leave(() => {
      this.#leaving.delete(scope);
      const token = entry.source.held;
      if (token !== undefined) this.#parts.evicted(token);
    });
  }

  #entry(scope: string, autoRenew: boolean): Entry {
    const supplier: TokenSupplier = {
      get: (signal) => this.source(scope).get(signal),
      tokenAfter401: (generation, signal) => this.source(scope).tokenAfter401(generation, signal),
      // What a call learned of a token that is gone makes no source.
      accepted: (generation) => this.#known(scope)?.source.accepted(generation),
      stillUnauthorized: (generation) => this.#known(scope)?.source.stillUnauthorized(generation),
    };
    return { source: this.#parts.make(scope, autoRenew), supplier };
  }
}
