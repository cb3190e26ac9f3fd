import type { IncomingHttpHeaders } from 'node:http';

/** One request as the sandbox saw it. */
export interface SandboxRequest {
  /** In upper case. */
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly path: string;
  /** Names in lower case. They are the real ones: also `authorization`. */
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** Set when the response is sent; 0 until then, and for good when the connection was dropped instead. */
  readonly status: number;
}

/** Counters from the sandbox's beginning. Requests count on arrival, whatever becomes of them. */
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

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const byStatus: Readonly<Record<number, keyof SandboxStats>> = {
  401: 'unauthorized',
  403: 'forbidden',
  409: 'conflicts',
  429: 'rateLimited',
};

/** Remembers every request and counts what happens. */
export class Recorder {
  readonly #requests: Mutable<SandboxRequest>[] = [];
  readonly #stats: Mutable<SandboxStats> = {
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

  get stats(): SandboxStats {
    return { ...this.#stats };
  }

  get requests(): readonly SandboxRequest[] {
    return [...this.#requests];
  }

  count(counter: keyof SandboxStats): void {
    this.#stats[counter] += 1;
  }

  /** @returns what to call when the response is sent, with its status. */
  arrived(
    method: string,
    path: string,
    pathname: string,
    headers: IncomingHttpHeaders,
  ): (status: number) => void {
    const request: Mutable<SandboxRequest> = { method, path, headers, status: 0 };
    this.#requests.push(request);
    if (pathname === '/oauth2/token') this.count('tokenRequests');
    else if (pathname === '/oauth2/revoke') this.count('revokeRequests');
    else this.count('apiRequests');
    return (status) => {
      request.status = status;
      const counter = byStatus[status];
      if (counter !== undefined) this.count(counter);
    };
  }
}
