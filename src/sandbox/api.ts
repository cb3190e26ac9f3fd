import { Access, checkVersion, rateLimiter } from './access.js';
import { Accounts } from './accounts.js';
import { type ApiResponse, bare, type Call, failure, Refusal } from './http.js';
import { OAuth } from './oauth.js';
import type { Settings } from './options.js';
import type { Recorder } from './recorder.js';
import { Tokens } from './tokens.js';
import { Transfers } from './transfers.js';

/** The IDs in a path; one that the path does not have is empty. */
interface Params {
  readonly accountID: string;
  readonly transferID: string;
  readonly refundID: string;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** The scope that is needed, with its account filled in. */
  readonly scope: (params: Params) => string;
  /** Whether the account in the path must be the platform's own. */
  readonly ofPlatform: boolean;
  readonly handle: (call: Call, params: Params) => ApiResponse;
}

/** What Moov does with a request, apart from HTTP: a request comes in, and its answer goes out at once. */
export class Api {
  readonly tokens: Tokens;
  readonly accounts: Accounts;
  readonly transfers: Transfers;
  readonly #platformAccountID: string;
  readonly #oauth: OAuth;
  readonly #access: Access;
  readonly #checkRate: () => void;
  readonly #routes: readonly Route[];

  constructor(settings: Settings, recorder: Recorder) {
    this.tokens = new Tokens(settings);
    this.accounts = new Accounts(settings, recorder);
    this.transfers = new Transfers(settings, this.accounts, recorder);
    this.#platformAccountID = settings.platformAccountID;
    this.#oauth = new OAuth(settings, this.tokens, recorder);
    this.#access = new Access(settings, this.tokens);
    this.#checkRate = rateLimiter(settings.requestsPerSecond);
    this.#routes = routes(this.accounts, this.transfers);
  }

  handle(call: Call): ApiResponse {
    try {
      this.#checkRate();
      return this.#handleOAuth(call) ?? this.#handleRoute(call);
    } catch (error) {
      if (error instanceof Refusal) return error.response;
      throw error;
    }
  }

  #handleOAuth(call: Call): ApiResponse | undefined {
    if (call.method !== 'POST') return undefined;
    if (call.pathname !== '/oauth2/token' && call.pathname !== '/oauth2/revoke') return undefined;
    checkVersion(call.headers);
    return call.pathname === '/oauth2/token' ? this.#oauth.token(call) : this.#oauth.revoke(call);
  }

  #handleRoute(call: Call): ApiResponse {
    const allows = this.#access.authenticate(call.headers);
    checkVersion(call.headers);
    for (const route of this.#routes) {
      const match = route.method === call.method ? route.path.exec(call.pathname) : null;
      if (match === null) continue;
      const params: Params = { accountID: '', transferID: '', refundID: '', ...match.groups };
      // Before anything is looked up, so that a response does not reveal what exists in other accounts.
      if (!allows(route.scope(params))) throw bare(403);
      if (route.ofPlatform && params.accountID !== this.#platformAccountID) throw bare(403);
      return route.handle(call, params);
    }
    throw failure(404, 'no such route');
  }
}

function routes(accounts: Accounts, transfers: Transfers): Route[] {
  const list: Route[] = [];
  const add = (method: string, path: string, scope: string, handle: Route['handle']) => {
    list.push({
      method,
      path: new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
      scope: ({ accountID }) => scope.replace('{accountID}', () => accountID),
      ofPlatform: path.includes('/transfers'),
      handle,
    });
  };
  const account = '/accounts/{accountID}';
  const transfer = `${account}/transfers/{transferID}`;
  const readTransfers = `${account}/transfers.read`;
  const writeTransfers = `${account}/transfers.write`;
  const nothingOf = (accountID: string): ApiResponse => {
    accounts.get(accountID);
    return { status: 200, body: [] };
  };

  add('GET', '/ping', '/ping.read', () => ({ status: 200 }));
  add('POST', '/accounts', '/accounts.write', (call) => accounts.create(call));
  add('GET', '/accounts', '/accounts.read', (call) => accounts.list(call));
  add('GET', account, '/accounts.read', (_, { accountID }) => ({
    status: 200,
    body: accounts.get(accountID),
  }));
  add('GET', `${account}/bank-accounts`, `${account}/bank-accounts.read`, (_, p) => nothingOf(p.accountID));
  add('GET', `${account}/wallets`, `${account}/wallets.read`, (_, p) => nothingOf(p.accountID));
  add('POST', `${account}/transfers`, writeTransfers, (call) => transfers.create(call));
  add('GET', `${account}/transfers`, readTransfers, (call) => transfers.list(call));
  add('GET', transfer, readTransfers, (_, p) => transfers.get(p.transferID));
  add('POST', `${transfer}/refunds`, writeTransfers, (call, p) => transfers.refund(call, p.transferID));
  add('GET', `${transfer}/refunds`, readTransfers, (_, p) => transfers.listRefunds(p.transferID));
  add('GET', `${transfer}/refunds/{refundID}`, readTransfers, (_, p) =>
    transfers.getRefund(p.transferID, p.refundID),
  );
  add('POST', `${transfer}/reversals`, writeTransfers, (call, p) => transfers.reverse(call, p.transferID));
  return list;
}
