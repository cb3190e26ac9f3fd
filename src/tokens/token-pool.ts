import { LRUCache } from 'lru-cache';
import type { Token } from './token.js';
import type { TokenSource } from './token-source.js';
import type { TokenSupplier } from './token-supplier.js';

/**
 * A token source, and its supplier for an Axios instance, which asks the pool for each call, also after an eviction.
 */
interface Entry {
  readonly source: TokenSource;
  readonly supplier: TokenSupplier;
}

/** The parts of a {@link TokenPool}. */
export interface TokenPoolParts {
  make: (scope: string, autoRenew: boolean) => TokenSource;
  /** The scopes of the start-up token, if there is one. */
  startUp: string | undefined;
  /** Maximum number of other sources. */
  maxTokens: number;
  /** Receives the token of an evicted source. */
  evicted: (token: Token) => void;
}

/**
 * The token sources of one `MoovAuth`, one for each set of scopes. The start-up source is kept always, the others while
 * they are among the most recently used, have waiting callers, or have something in flight.
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

  /** The start-up source. */
  get startUp(): TokenSource | undefined {
    return this.#startUp?.source;
  }

  /** Returns the source of a set of scopes in normal form; creates it if there is none. */
  source(scope: string): TokenSource {
    return this.#find(scope).source;
  }

  /** Returns the supplier of a set of scopes, the same one while its source is kept. */
  supplier(scope: string): TokenSupplier {
    return this.#find(scope).supplier;
  }

  /** Closes all sources, also later ones. @returns a promise that resolves when nothing is in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.all().map((source) => source.close()));
  }

  /** All sources. */
  all(): TokenSource[] {
    return this.entries().map(([, source]) => source);
  }

  /** All sources with their scopes. */
  entries(): [scope: string, source: TokenSource][] {
    const others = [...this.#others, ...this.#leaving].map(([scope, { source }]): [string, TokenSource] => [
      scope,
      source,
    ]);
    return this.#startUp === undefined ? others : [[this.#startUp.scope, this.#startUp.source], ...others];
  }

  /** Returns the source of a set of scopes, if there is one. */
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
      // The result of a call with an evicted token does not create a source.
      accepted: (generation) => this.#known(scope)?.source.accepted(generation),
      stillUnauthorized: (generation) => this.#known(scope)?.source.stillUnauthorized(generation),
    };
    return { source: this.#parts.make(scope, autoRenew), supplier };
  }
}
