import { type Request, type RequestHandler, type Response, Router } from 'express';
import { assertKnown } from '../config/check-options.js';
import { MoovAuthError, MoovConfigError, MoovScopeError, MoovUnavailableError } from '../errors.js';
import { BodyError } from './body.js';
import { admitsOrigin, answerPreflight, readAllowedOrigins } from './origin-check.js';

/** Express middleware, one or several, that lets a request pass by calling `next()`. */
export type Guard = RequestHandler | readonly [RequestHandler, ...RequestHandler[]];

/** A refusal with a status of its own, in the words of an OAuth error (RFC 6749 section 5.2). */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

export interface ProtectedRoute {
  /** The public function that makes the router, for messages. */
  name: string;
  path: string;
  options: { guard: Guard; allowedOrigins?: string[] | undefined } | undefined;
  /** The options there are beside `guard` and `allowedOrigins`. */
  further: readonly string[];
  /** Answers a request that may pass. What it throws is answered here, if it is about the request or about Moov. */
  serve(req: Request, res: Response): Promise<void>;
}

/**
 * A router with one route that takes `POST` alone: from no other site, past the guards, and never from a cache.
 *
 * @throws {@link MoovConfigError} when the guard is missing, an origin is none, or an option is unknown.
 */
export function protectedRoute({ name, path, options, further, serve }: ProtectedRoute): Router {
  assertKnown({ name }, options ?? {}, ['guard', 'allowedOrigins', ...further]);
  const guards = readGuard(name, options?.guard);
  const origins = readAllowedOrigins(name, options?.allowedOrigins);
  const router = Router();
  router.all(path, (req, res, next) => {
    answer(req, res).catch(next);
  });
  return router;

  async function answer(req: Request, res: Response): Promise<void> {
    res.set('Cache-Control', 'no-store');
    if (!admitsOrigin(req, res, origins)) {
      return refuse(res, 403, 'access_denied', 'Requests from this site are not allowed.');
    }
    if (req.method === 'OPTIONS') return answerPreflight(req, res, 'POST');
    if (req.method !== 'POST') {
      res.set('Allow', 'POST, OPTIONS');
      return refuse(res, 405, 'invalid_request', 'Use POST.');
    }
    await runGuards(guards, req, res);
    await serve(req, res).catch((error: unknown) => answerFailure(res, error));
  }
}

/** Moov's refusals concern the host's key, so they never become the client's 401. Other errors are rethrown. */
function answerFailure(res: Response, error: unknown): void {
  if (error instanceof BodyError) {
    refuse(res, error.status, 'invalid_request', error.message);
  } else if (error instanceof Refusal) {
    refuse(res, error.status, error.code, error.message);
  } else if (error instanceof MoovScopeError) {
    refuse(res, 400, 'invalid_scope', error.message);
  } else if (error instanceof MoovUnavailableError) {
    res.set({ 'Retry-After': '1', ...error.headers });
    refuse(res, 503, 'temporarily_unavailable', 'Moov is temporarily unavailable. Retry the request.');
  } else if (error instanceof MoovAuthError && !(error instanceof MoovConfigError)) {
    refuse(res, 502, 'server_error', 'Moov refused the request.');
  } else {
    throw error;
  }
}

function refuse(res: Response, status: number, error: string, description: string): void {
  res.status(status).json({ error, error_description: description });
}

/** @throws {@link MoovConfigError} when a guard is missing, an empty list, or not made of functions. */
function readGuard(router: string, guard: unknown): readonly RequestHandler[] {
  const list: unknown[] = Array.isArray(guard) ? [...guard] : [guard];
  if (list.length > 0 && list.every(isHandler)) return list;
  throw new MoovConfigError(
    `${router}: "guard" must be Express middleware, or a non-empty list of it, that calls next() for users who may use the route, as in ${router}({ guard: requireAdmin }).`,
  );
}

function isHandler(value: unknown): value is RequestHandler {
  return typeof value === 'function';
}

/**
 * Runs the guards in order, each when the one before has called `next()`.
 *
 * The package runs them itself, so that the rejection of an asynchronous guard is seen on Express 4 too.
 *
 * @returns when all of them allow. A guard that answers the request instead leaves the promise pending for good.
 * @throws what a guard passes to `next`, throws or rejects with.
 */
async function runGuards(guards: readonly RequestHandler[], req: Request, res: Response): Promise<void> {
  for (const guard of guards) {
    await new Promise<void>((resolve, reject) => {
      const next = (reason?: unknown) => (reason ? reject(reason) : resolve());
      // Without a reason it would pass for next(), which lets the request go on to whatever comes after the router.
      Promise.resolve(guard(req, res, next)).catch((reason) => reject(reason ?? new Error('A guard failed')));
    });
  }
}
