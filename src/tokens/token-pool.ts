import { LRUCache } from 'lru-cache';
import type { TokenSource } from './token-source.js';

/**
 * The token sources of one `MoovAuth`, one for each set of scopes: the one of start-up for good, the others as long
 * as they are among the most recently used.
 */
export class TokenPool {
  readonly #make: (scope: string, keepWarm: boolean) => TokenSource;
  readonly #others: LRUCache<string, TokenSource>;
  readonly #pinned: { readonly scope: string; readonly source: TokenSource } | undefined;

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
    this.#pinned = startUp === undefined ? undefined : { scope: startUp, source: make(startUp, true) };
  }

  /** The source of start-up. */
  get pinned(): TokenSource | undefined {
    return this.#pinned?.source;
  }

  /** The one source of a set of scopes in normal form; made here if there is none. */
  source(scope: string): TokenSource {
    if (this.#pinned?.scope === scope) return this.#pinned.source;
    const known = this.#others.get(scope);
    if (known !== undefined) return known;
    const made = this.#make(scope, false);
    if (this.#closed) made.close();
    this.#others.set(scope, made);
    return made;
  }

  /** Closes the sources there are and those to come. */
  close(): void {
    this.#closed = true;
    for (const source of this.all()) source.close();
  }

  /** Every source that is kept. */
  all(): TokenSource[] {
    const others = [...this.#others.values()];
    return this.#pinned === undefined ? others : [this.#pinned.source, ...others];
  }
}
