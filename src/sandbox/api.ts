import { Access, checkVersion, rateLimiter } from './auth/access.js';
import { OAuth } from './auth/oauth.js';
import { Tokens } from './auth/tokens.js';
import { type ApiResponse, bare, type Call, failure, notServed, Refusal } from './http/call.js';
import type { Settings } from './options.js';
import type { Recorder } from './recorder.js';
import { Resources } from './resources/index.js';
import { isOfMoov } from './resources/not-served.js';
import { type Groups, type Route, scopesFor } from './resources/route.js';
import { Responders } from './responders.js';

/** Operations on transfers, which take the platform's own account in their path. */
const ofPlatform = /^\/accounts\/([^/]+)\/transfer/;

/** What Moov does with a request, apart from HTTP: a request comes in, and its response goes out. */
export class Api {
  readonly tokens: Tokens;
  readonly responders = new Responders();
  readonly #settings: Settings;
  readonly #recorder: Recorder;
  readonly #oauth: OAuth;
  readonly #access: Access;
  #checkRate: () => void;
  #resources: Resources;

  constructor(settings: Settings, recorder: Recorder) {
    this.#settings = settings;
    this.#recorder = recorder;
    this.tokens = new Tokens(settings);
    this.#oauth = new OAuth(settings, this.tokens, recorder);
    this.#access = new Access(settings, this.tokens);
    this.#checkRate = rateLimiter(settings.rateLimit.requestsPerSecond);
    this.#resources = new Resources(settings, recorder);
  }

  get resources(): Resources {
    return this.#resources;
  }

  /** The name of the account in a path, for the page and the log. */
  accountNameIn(pathname: string): string | undefined {
    const accountID = /^\/accounts\/([^/]+)/.exec(pathname)?.[1];
    return accountID === undefined ? undefined : this.#resources.accounts.find(accountID)?.displayName;
  }

  /** Forgets all but tokens. */
  reset(): void {
    this.responders.clear();
    this.#checkRate = rateLimiter(this.#settings.rateLimit.requestsPerSecond);
    this.#resources = new Resources(this.#settings, this.#recorder);
  }

  async handle(call: Call): Promise<ApiResponse> {
    try {
      this.#checkRate();
      return this.#handleOAuth(call) ?? (await this.#handleRoute(call));
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

  #handleRoute(call: Call): ApiResponse | Promise<ApiResponse> {
    const allows = this.#access.authenticate(call.headers);
    checkVersion(call.headers);
    const { method, pathname } = call;
    const served = find(this.#resources.routes, call);
    const own = find(this.responders.routes, call);
    const found = own ?? served;
    if (found === undefined) {
      throw isOfMoov(pathname) ? notServed(`${method} ${pathname}`) : failure(404, 'no such route');
    }
    // Before anything is looked up, so that a response does not reveal what exists in other accounts.
    const scopes =
      served?.route.scopes?.map((scope) => fill(scope, served.groups)) ?? scopesFor(method, pathname);
    if (scopes.length > 0 && !scopes.some(allows)) {
      throw bare(403, `the token lacks the scope ${scopes.join(' or ')}`);
    }
    // From the path: an endpoint of the user's own may call it by any name.
    const payer = ofPlatform.exec(pathname)?.[1];
    if (payer !== undefined && payer !== this.#settings.platformAccountID) {
      throw bare(403, "the account in the path must be the platform's own");
    }
    const { accountID } = found.groups;
    if (own === undefined && accountID !== undefined) this.#resources.accounts.check(method, accountID);
    return found.route.handle(call, found.groups);
  }
}

function find(
  routes: readonly Route[],
  { method, pathname }: Call,
): { route: Route; groups: Groups } | undefined {
  for (const route of routes) {
    const match = route.method === method ? route.pattern.exec(pathname) : null;
    if (match !== null) return { route, groups: { ...match.groups } };
  }
  return undefined;
}

function fill(scope: string, groups: Groups): string {
  return scope.replaceAll(/\{(\w+)\}/g, (_, name: string) => groups[name] ?? '');
}
