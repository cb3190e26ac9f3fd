import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { parseOptions, wording } from '../config/parse-options.js';
import { MoovTokenError } from '../errors.js';
import type { AuthToken } from '../oauth/token-request.js';
import { type MoovScope, missingScopes, type ScopeSet, scopeSet } from '../scopes/scopes.js';
import { isForm, readFields } from './body.js';
import { type Guard, isOver, protectedRoute, Refusal, routeOptions } from './protected-route.js';
import { BodyError } from './request-bytes.js';

type Scopes = MoovScope | readonly MoovScope[];

/** Options of `moov.browserTokenRouter`. */
export interface BrowserTokenRouterOptions {
  /** Express middleware that calls `next()` for users who may have a token; runs before the body is read. */
  guard: Guard;
  /**
   * What the user's token may do: a list, or a function of the request, which may be asynchronous. A request can ask
   * for fewer of them, never for others.
   *
   * @param req - The request, which the guard has let pass.
   */
  scopes:
    | MoovScope
    | readonly MoovScope[]
    | ((req: Request) => MoovScope | readonly MoovScope[] | Promise<MoovScope | readonly MoovScope[]>);
  /** Other origins whose pages may call the route from a browser, as scheme and host. Default: none. */
  allowedOrigins?: string[] | undefined;
}

/** The response of the route. */
export interface BrowserToken {
  /** The access token, for Moov.js's `setToken`. */
  token: string;
  /** When it expires, in ISO 8601. */
  expiresOn: string;
  /** The same in seconds from now. */
  expiresIn: number;
  /** What it may do: the scopes that Moov granted. */
  scopes: string[];
}

/** What the router needs of its `MoovAuth`. */
export interface BrowserTokenActions {
  read(scopes: Scopes): ScopeSet;
  /** Scopes with the account of the request filled in. */
  fill(req: Request, scopes: ScopeSet): string;
  /** Requests a token that the server does not use itself; its caller is gone when `signal` aborts. */
  request(scope: string, signal: AbortSignal): Promise<AuthToken>;
  /** Reports a token that the caller got. */
  issued(token: AuthToken, scope: string): void;
  /** Revokes a token that the caller did not get. */
  discard(token: AuthToken): void;
}

const routerOptions = z.object({
  ...routeOptions,
  // The scopes themselves are read by the router's MoovAuth.
  scopes: z
    .custom<BrowserTokenRouterOptions['scopes']>((value) => value !== undefined)
    .register(wording, {
      expected: 'a scope, a list of scopes, or a function of the request that returns them',
    }),
});

const asked = z.strictObject({ scopes: z.array(z.string().trim().regex(/^\S+$/)).min(1) });

/**
 * `POST /token`: a new token for each response, with at most the scopes that the server grants, and no refresh token.
 *
 * @throws {@link MoovConfigError} naming the option and what was expected.
 */
export function createBrowserTokenRouter(
  actions: BrowserTokenActions,
  options: BrowserTokenRouterOptions,
): Router {
  const { scopes, ...route } = parseOptions({ name: 'browserTokenRouter' }, routerOptions, options ?? {});
  const granted = typeof scopes === 'function' ? scopes : constant(actions.read(scopes));
  return protectedRoute({ path: '/token', ...route, serve });

  async function serve(req: Request, res: Response): Promise<void> {
    if (isForm(req)) throw new BodyError(400, 'Expected application/json or no body.');
    const wanted = readWanted(await readFields(req));
    const given = await granted(req);
    const allowed = actions.fill(
      req,
      typeof given === 'object' && 'text' in given ? given : actions.read(given),
    );
    const scope = wanted === undefined ? allowed : narrowed(actions.fill(req, scopeSet(wanted)), allowed);
    if (isOver(res)) return;
    const gone = new AbortController();
    const leave = () => gone.abort();
    res.once('close', leave);
    const token = await actions.request(scope, gone.signal).finally(() => res.off('close', leave));
    try {
      const answer = forBrowser(token, scope);
      if (isOver(res)) return actions.discard(token);
      res.json(answer);
      actions.issued(token, scope);
    } catch (error) {
      actions.discard(token);
      throw error;
    }
  }
}

/** @throws {@link MoovTokenError} for a token that may do more than was asked for: it is not the browser's to have. */
function forBrowser(
  { accessToken, expiresAt, lifetimeMs, scope: granted }: AuthToken,
  asked: string,
): BrowserToken {
  const scopes = (granted ?? asked).split(' ');
  if (missingScopes(scopes.join(' '), asked).length > 0) {
    throw new MoovTokenError('Moov granted more scopes than were asked for', {
      code: 'ERR_MOOV_TOKEN_REPLY',
    });
  }
  return {
    token: accessToken,
    expiresOn: expiresAt.toISOString(),
    expiresIn: Math.floor(lifetimeMs / 1000),
    scopes,
  };
}

function constant(scopes: ScopeSet): () => ScopeSet {
  return () => scopes;
}

function readWanted(fields: Record<string, unknown> | undefined): string[] | undefined {
  if (fields === undefined || Object.keys(fields).length === 0) return undefined;
  const parsed = asked.safeParse(fields);
  if (parsed.success) return parsed.data.scopes;
  throw new BodyError(400, 'The only field is "scopes", a list of one or more single scopes.');
}

function narrowed(wanted: string, allowed: string): string {
  const refused = missingScopes(wanted, allowed);
  if (refused.length === 0) return wanted;
  throw new Refusal(403, 'invalid_scope', `Not granted: ${refused.join(' ').slice(0, 500)}`);
}
