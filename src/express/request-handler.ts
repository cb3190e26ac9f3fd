import { types } from 'node:util';
import type { AxiosInstance } from 'axios';
import type { Request, RequestHandler } from 'express';
import type { MoovClients } from '../client/moov-client.js';
import { didYouMean } from '../config/check-options.js';
import type { Settings } from '../config/resolve.js';
import { MoovConfigError, MoovScopeError } from '../errors.js';
import {
  assertAccountID,
  fillAccount,
  type MoovScope,
  readScopes,
  type ScopeSet,
  type ScopeTaker,
} from '../scopes/scopes.js';
import type { TokenPool } from '../tokens/token-pool.js';
import type { TokenSource } from '../tokens/token-source.js';
import { noToken } from '../tokens/token-supplier.js';
import { describeType } from '../utils/describe-type.js';

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
  source(target?: MoovTarget): TokenSource {
    return this.#pool.source(this.#scopeFor(target));
  }

  /** Throws as {@link source} does. */
  client(target?: MoovTarget): AxiosInstance {
    return this.#clients(this.#pool.supplier(this.#scopeFor(target)));
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
      req.moov = this.#orRefusal(() => this.scopesOf(req, scopes));
      next();
    };
  }

  /** The scopes a request may have, with its account filled in. Throws as {@link source} does. */
  scopesOf(req: Request, scopes: ScopeSet): string {
    return scopes.needsAccount ? fillAccount(scopes, this.#accountOf(req)) : scopes.text;
  }

  /** @throws {@link MoovConfigError} for scopes that are none. */
  read(scopes: MoovScope | readonly MoovScope[], taker?: ScopeTaker): ScopeSet {
    return readScopes(scopes, this.#settings.platformAccountID, taker);
  }

  #scopeFor(target: MoovTarget = {}): string {
    assertTarget(target);
    const { scopes, accountID } = target;
    if (accountID !== undefined) assertAccountID(accountID);
    const set = scopes === undefined ? this.#defaults : this.read(scopes);
    return set.needsAccount ? fillAccount(set, accountID ?? fixedAccount(this.#settings)) : set.text;
  }

  #orRefusal(find: () => string): AxiosInstance {
    try {
      return this.#clients(this.#pool.supplier(find()));
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
    if (typeof accountID !== 'function') return accountID ?? req.params.accountID;
    let value: unknown;
    try {
      value = accountID(req);
    } catch {
      throw new MoovScopeError('The function of the option accountID failed.');
    }
    if (!types.isPromise(value)) return value;
    // Nobody else will hear of its rejection.
    value.catch(() => undefined);
    throw new MoovScopeError('The function of the option accountID must not be asynchronous.');
  }
}

const members: readonly string[] = ['scopes', 'accountID'];

/** A misspelt member would be passed over, and the wrong account would act. */
function assertTarget(target: unknown): void {
  if (typeof target !== 'object' || target === null || Array.isArray(target)) {
    throw new MoovConfigError(
      `The target of a call: expected an object, { scopes, accountID }; got ${describeType(target)}.`,
    );
  }
  const unknown = Object.keys(target).find((name) => !members.includes(name));
  if (unknown === undefined) return;
  throw new MoovConfigError(
    `The target of a call has an unknown member "${unknown}". ${didYouMean([unknown], members, 'Members')}`,
  );
}

/** The scopes of the token of start-up: none when they wait for an account. */
export function startUpScope(scopes: ScopeSet, settings: Settings): string | undefined {
  const accountID = fixedAccount(settings);
  if (!scopes.needsAccount) return scopes.text;
  return accountID === undefined ? undefined : fillAccount(scopes, accountID);
}

function fixedAccount({ accountID }: Settings): string | undefined {
  return typeof accountID === 'string' ? accountID : undefined;
}
