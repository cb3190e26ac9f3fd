import { Exchange, type Mutable, type SandboxRequest } from './exchange.js';

/** Counters from the sandbox's beginning, or its last reset. Requests count on arrival, whatever becomes of them. */
export interface SandboxStats {
  /** Requests for `/oauth2/token`. */
  readonly tokenRequests: number;
  /** Access tokens made, by either grant, also when the answer was lost. */
  readonly tokensMinted: number;
  /** Requests for `/oauth2/revoke`. */
  readonly revokeRequests: number;
  /** Tokens, of either kind, that were valid until `/oauth2/revoke` was told of them. */
  readonly tokensRevoked: number;
  /** Requests for anything other than `/oauth2/`. */
  readonly apiRequests: number;
  /** Responses with 401, those of faults included; likewise the next three. */
  readonly unauthorized: number;
  /** Responses with 403. */
  readonly forbidden: number;
  /** Responses with 409. */
  readonly conflicts: number;
  /** Responses with 429. */
  readonly rateLimited: number;
  /** Accounts made by `POST /accounts`. */
  readonly accountsCreated: number;
  /** Transfers made, each once. */
  readonly transfersCreated: number;
  /** Refunds made, each once, by a refund or by a reversal. */
  readonly refundsCreated: number;
  /** Requests that met with a fault. */
  readonly faults: number;
}

const byStatus: Readonly<Record<number, keyof SandboxStats>> = {
  401: 'unauthorized',
  403: 'forbidden',
  409: 'conflicts',
  429: 'rateLimited',
};

/** Follows the exchanges as they change, such as the page or the log. */
interface RecorderListener {
  /** A request has arrived, or its exchange is over. */
  readonly changed: (exchange: Exchange) => void;
  /** All is forgotten. */
  readonly reset?: () => void;
}

/** How many exchanges are kept, so that a sandbox that runs for days does not grow. */
export const KEPT_EXCHANGES = 10_000;

/** Of how many exchanges the responses are kept, as only a person looks at them. */
const KEPT_RESPONSES = 200;

/** Remembers the latest requests and counts what happens. */
export class Recorder {
  #exchanges: Exchange[] = [];
  #stats: Mutable<SandboxStats> = noStats();
  /** Counts on after a reset, so that a page does not take a new exchange for an old one. */
  #lastID = 0;
  readonly #listeners = new Set<RecorderListener>();

  get stats(): SandboxStats {
    return { ...this.#stats };
  }

  get requests(): readonly SandboxRequest[] {
    return this.#exchanges.map(({ request }) => request);
  }

  /** The exchanges of which the responses are kept, oldest first. */
  get recent(): readonly Exchange[] {
    return this.#exchanges.slice(-KEPT_RESPONSES);
  }

  count(counter: keyof SandboxStats): void {
    this.#stats[counter] += 1;
  }

  /** Forgets all there is; exchanges that are not over count for nothing. */
  reset(): void {
    this.#exchanges = [];
    this.#stats = noStats();
    for (const { reset } of this.#listeners) reset?.();
  }

  subscribe(listener: RecorderListener): void {
    this.#listeners.add(listener);
  }

  /** A request has arrived, of which the body is still to come. */
  arrived(request: Pick<SandboxRequest, 'method' | 'path' | 'headers'>): Exchange {
    this.#lastID += 1;
    const stats = this.#stats;
    const exchange = new Exchange(this.#lastID, request, (changed) => {
      const counter = changed.isOver ? byStatus[changed.request.status] : undefined;
      if (counter !== undefined) stats[counter] += 1;
      this.#notify(changed);
    });
    this.#exchanges.push(exchange);
    if (this.#exchanges.length > KEPT_EXCHANGES) this.#exchanges.shift();
    const old = this.#exchanges.at(-1 - KEPT_RESPONSES);
    if (old !== undefined) old.response = undefined;
    if (exchange.pathname === '/oauth2/token') this.count('tokenRequests');
    else if (exchange.pathname === '/oauth2/revoke') this.count('revokeRequests');
    else this.count('apiRequests');
    this.#notify(exchange);
    return exchange;
  }

  #notify(exchange: Exchange): void {
    for (const { changed } of this.#listeners) {
      try {
        changed(exchange);
      } catch {
        // A listener's error must not fail a request.
      }
    }
  }
}

function noStats(): SandboxStats {
  return {
    tokenRequests: 0,
    tokensMinted: 0,
    revokeRequests: 0,
    tokensRevoked: 0,
    apiRequests: 0,
    unauthorized: 0,
    forbidden: 0,
    conflicts: 0,
    rateLimited: 0,
    accountsCreated: 0,
    transfersCreated: 0,
    refundsCreated: 0,
    faults: 0,
  };
}
