import type { AxiosInstance } from 'axios';
import type { Request, RequestHandler } from 'express';
import type { MoovClients } from './client/moov-client.js';
import { MoovScopeError } from './errors.js';
import type { Settings } from './options.js';
import { fillAccount, type MoovScope, readScopes, type ScopeSet } from './scopes.js';
import { noToken } from './tokens/no-token.js';
import type { TokenPool } from './tokens/token-pool.js';
import type { TokenSource } from './tokens/token-source.js';

/** What a token is for: some scopes, and the account that fills `{accountID}` in them. */
export interface MoovTarget {
  /** Default: those of `moovAuth(scopes)`. */
  scopes?: MoovScope | readonly MoovScope[] | undefined;
  /** A UUID. Default: the option `accountID`, if it is a string. */
  accountID?: string | undefined;
}

/** Finds the token source, the Axios instance and the middleware for scopes and accounts. */
export class Targets {
  readonly #settings: Settings;
  readonly #defaults: ScopeSet;
  readonly #pool: TokenPool;
  readonly #clients: MoovClients;
  /** By what is wrong: there are few such reasons, and many such requests. */
  readonly #refusing = new Map<string, AxiosInstance>();

  constructor(settings: Settings, defaults: ScopeSet, pool: TokenPool, clients: MoovClients) {
    this.#settings = settings;
    this.#defaults = defaults;
    this.#pool = pool;
    this.#clients = clients;
  }

  /**
   * @throws {@link MoovScopeError} when an account is missing or no UUID.
   * @throws {@link MoovConfigError} for scopes that are none.
   */
  source({ scopes, accountID }: MoovTarget = {}): TokenSource {
    return this.#pool.source(
      this.#scope(scopes === undefined ? this.#defaults : this.read(scopes), accountID),
    );
  }

  /** Throws as {@link source} does. */
  client(target?: MoovTarget): AxiosInstance {
    return this.#clients(this.source(target));
  }

  /** The instance for the default scopes; its calls fail where an account is missing. */
  get default(): AxiosInstance {
    return this.#orRefusal(() => this.source());
  }

  /** Sets `req.moov`. A request whose account is missing fails in its calls, not here. */
  handler(scopes: ScopeSet): RequestHandler {
    if (scopes === this.#defaults && !scopes.needsAccount) {
      const client = this.default;
      return (req, _res, next) => {
        req.moov = client;
        next();
      };
    }
    return (req, _res, next) => {
      req.moov = this.#orRefusal(() => this.#pool.source(this.scopesOf(req, scopes)));
      next();
    };
  }

  /** The scopes a request may have, with its account filled in. Throws as {@link source} does. */
  scopesOf(req: Request, scopes: ScopeSet): string {
    return scopes.needsAccount ? this.#scope(scopes, this.#accountOf(req)) : scopes.text;
  }

  /** @throws {@link MoovConfigError} for scopes that are none. */
  read(scopes: MoovScope | readonly MoovScope[]): ScopeSet {
    return readTargetScopes(scopes, this.#settings);
  }

  #scope(scopes: ScopeSet, accountID: unknown): string {
    return scopes.needsAccount ? fillAccount(scopes, accountID) : scopes.text;
  }

  #orRefusal(find: () => TokenSource): AxiosInstance {
    try {
      return this.#clients(find());
    } catch (error) {
      if (!(error instanceof MoovScopeError)) throw error;
      return this.#refusal(error.message);
    }
  }

  #refusal(message: string): AxiosInstance {
    const known = this.#refusing.get(message);
    if (known !== undefined) return known;
    const client = this.#clients(noToken(() => new MoovScopeError(message)));
    this.#refusing.set(message, client);
    return client;
  }

  /** With the option set the route's own parameter is not asked: the application has decided otherwise. */
  #accountOf(req: Request): unknown {
    const { accountID } = this.#settings;
    if (typeof accountID !== 'function') return req.params.accountID;
    try {
      return accountID(req);
    } catch {
      throw new MoovScopeError('The function of the option accountID failed.');
    }
  }
}

/** Scopes in normal form, with what the options know of accounts filled in. */
export function readTargetScopes(scopes: MoovScope | readonly MoovScope[], settings: Settings): ScopeSet {
  const { platformAccountID, accountID } = settings;
  return readScopes(scopes, {
    platformAccountID,
    accountID: typeof accountID === 'string' ? accountID : undefined,
  });
}
