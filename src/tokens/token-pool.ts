import { LRUCache } from 'lru-cache';
import type { TokenSource } from './token-source.js';
import type { TokenSupplier } from './token-supplier.js';

/** A token source, and what an Axios instance is made of: it asks the pool at each call, also after an eviction. */
interface Entry {
  readonly source: TokenSource;
  readonly supplier: TokenSupplier;
}

/**
 * The token sources of one `MoovAuth`, one for each set of scopes: the one of start-up for good, the others as long
 * as they are among the most recently used.
 */
export class TokenPool {
  readonly #make: (scope: string, keepWarm: boolean) => TokenSource;
  readonly #others: LRUCache<string, Entry>;
  readonly #pinned: (Entry & { readonly scope: string }) | undefined;
  #closed = false;

  /**
   * @param startUp - The scopes of the token that is kept at hand, if there is one.
   * @param maxTokens - How many others are kept.
   */
  constructor(
    make: (scope: string, keepWarm: boolean) => TokenSource,
    startUp: string | undefined,
    maxTokens: number,
  ) {
    this.#make = make;
    this.#others = new LRUCache({ max: maxTokens });
    this.#pinned = startUp === undefined ? undefined : { scope: startUp, ...this.#entry(startUp, true) };
  }

  /** The source of start-up. */
  get startUp(): TokenSource | undefined {
    return this.#pinned?.source;
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
    const others = [...this.#others].map(([scope, { source }]): [string, TokenSource] => [scope, source]);
    return this.#pinned === undefined ? others : [[this.#pinned.scope, this.#pinned.source], ...others];
  }

  #find(scope: string): Entry {
    if (this.#pinned?.scope === scope) return this.#pinned;
    const known = this.#others.get(scope);
    if (known !== undefined) return known;
    const made = this.#entry(scope, false);
    if (this.#closed) made.source.close();
    this.#others.set(scope, made);
    return made;
  }

  #entry(scope: string, keepWarm: boolean): Entry {
    const supplier: TokenSupplier = {
      get: () => this.source(scope).get(),
      tokenAfter401: (generation) => this.source(scope).tokenAfter401(generation),
      accepted: (generation) => this.source(scope).accepted(generation),
      stillUnauthorized: (generation) => this.source(scope).stillUnauthorized(generation),
    };
    return { source: this.#make(scope, keepWarm), supplier };
  }
}
