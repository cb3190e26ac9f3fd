import { types } from 'node:util';
import type { AxiosInstance } from 'axios';
import type { Request, RequestHandler } from 'express';
import type { MoovClients } from '../client/moov-client.js';
import type { Settings } from '../config/resolve.js';
import { MoovScopeError } from '../errors.js';
import type { Emit } from '../events.js';
import { findScopeSlips } from '../scopes/known-scopes.js';
import { fillAccount, type MoovScope, readScopes, type ScopeSet, type ScopeTaker } from '../scopes/scopes.js';
import { type MoovClientTarget, type MoovTarget, scopeFor, splitTarget } from '../scopes/target.js';
import type { TokenPool } from '../tokens/token-pool.js';
import type { TokenSource } from '../tokens/token-source.js';
import { noToken } from '../tokens/token-supplier.js';

/** Scopes with their account filled in, and that account if they have one. */
type FilledScope = ReturnType<typeof scopeFor>;

/** Finds the token source, the Axios instance and the middleware for scopes and accounts. */
export class Targets {
  readonly #settings: Settings;
  readonly #defaults: ScopeSet;
  readonly #pool: TokenPool;
  readonly #clients: MoovClients;
  readonly #emit: Emit;
  /** Messages that were emitted. */
  readonly #warnings = new Set<string>();
  /** By message: there are few such messages, and many such requests. */
  readonly #refusing = new Map<string, AxiosInstance>();

  constructor(settings: Settings, defaults: ScopeSet, pool: TokenPool, clients: MoovClients, emit: Emit) {
    this.#settings = settings;
    this.#defaults = defaults;
    this.#pool = pool;
    this.#clients = clients;
    this.#emit = emit;
    this.#warnOf(defaults);
  }

  /**
   * @throws {@link MoovScopeError} when an account is missing or not a UUID.
   * @throws {@link MoovConfigError} for invalid scopes.
   */
  source(target?: MoovTarget): TokenSource {
    return this.#pool.source(this.#scopeFor(target).scope);
  }

  /** Throws as {@link source} does. */
  client(given: MoovClientTarget = {}): AxiosInstance {
    const { target, isBackground } = splitTarget(given);
    return this.#client(this.#scopeFor(target), isBackground);
  }

  /** The instance for the default scopes; its calls fail where an account is missing. */
  get default(): AxiosInstance {
    return this.#orRefusal(() => this.#scopeFor());
  }

  /** Sets `req.moov`. A request whose account is missing fails in its calls, not here. */
  handler(scopes: ScopeSet): RequestHandler {
    if (scopes === this.#defaults && this.#pool.startUp !== undefined) {
      const client = this.default;
      return (req, _res, next) => {
        req.moov = client;
        next();
      };
    }
    return (req, _res, next) => {
      req.moov = this.#orRefusal(() => this.#scopeOf(req, scopes));
      next();
    };
  }

  /** The scopes a request may have, with its account filled in. Throws as {@link source} does. */
  scopesOf(req: Request, scopes: ScopeSet): string {
    return this.#scopeOf(req, scopes).scope;
  }

  /** @throws {@link MoovConfigError} for invalid scopes. */
  read(scopes: MoovScope | readonly MoovScope[], taker?: ScopeTaker): ScopeSet {
    const set = readScopes(scopes, this.#settings.platformAccountID, taker);
    this.#warnOf(set);
    return set;
  }

  #warnOf(scopes: ScopeSet): void {
    for (const message of findScopeSlips(scopes.text.split(' '))) {
      if (!this.#warnings.has(message)) this.#emit({ type: 'config.warning', message });
      this.#warnings.add(message);
    }
  }

  #scopeFor(target: MoovTarget = {}): FilledScope {
    return scopeFor(target, this.#defaults, this.#settings);
  }

  #scopeOf(req: Request, scopes: ScopeSet): FilledScope {
    if (!scopes.needsAccount) return { scope: scopes.text };
    const account = this.#accountOf(req);
    const scope = fillAccount(scopes, account);
    return typeof account === 'string' ? { scope, accountID: account } : { scope };
  }

  #client({ scope, accountID }: FilledScope, isBackground: boolean): AxiosInstance {
    return this.#clients.of({ tokens: this.#pool.supplier(scope), accountID, isBackground });
  }

  #orRefusal(find: () => FilledScope): AxiosInstance {
    try {
      return this.#client(find(), false);
    } catch (error) {
      if (!(error instanceof MoovScopeError)) throw error;
      return this.#refusal(error.message);
    }
  }

  #refusal(message: string): AxiosInstance {
    const known = this.#refusing.get(message);
    if (known !== undefined) return known;
    const client = this.#clients.of({
      tokens: noToken(() => new MoovScopeError(message)),
      accountID: undefined,
      isBackground: false,
    });
    this.#refusing.set(message, client);
    return client;
  }

  /** The option takes precedence over the route's own parameter. */
  #accountOf(req: Request): unknown {
    const { accountID } = this.#settings;
    if (typeof accountID !== 'function') return accountID ?? req.params.accountID;
    let value: unknown;
    try {
      value = accountID(req);
    } catch {
      throw new MoovScopeError('The function of the option accountID failed.');
    }
    if (!types.isPromise(value)) return value;
    // Otherwise its rejection would be unhandled.
    value.catch(() => undefined);
    throw new MoovScopeError('The function of the option accountID must not be asynchronous.');
  }
}
