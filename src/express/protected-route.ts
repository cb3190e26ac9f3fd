import { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import { gotInList, wording } from '../config/parse-options.js';
import { MoovAuthError, MoovConfigError, MoovScopeError, MoovUnavailableError } from '../errors.js';
import { describeType } from '../utils/value-type.js';
import { admitsOrigin, allowedOrigins, answerPreflight } from './origin-check.js';
import { BodyError } from './request-bytes.js';

/** How long a guard that returned a boolean has to call `next()` or to answer; others have as long as they like. */
const RETURNED_GRACE_MS = 1_000;

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

/** The options that all routers have. */
export const routeOptions = {
  guard: z.custom<Guard>(isGuard).register(wording, {
    expected:
      'Express middleware, or a non-empty list of it, that calls next() for users who may use the route, as in { guard: requireAdmin }',
    got: (value) => gotInList(value, isHandler),
  }),
  allowedOrigins,
};

export interface ProtectedRoute {
  path: string;
  guard: Guard;
  allowedOrigins: ReadonlySet<string>;
  /**
   * Answers a request that the guards allow. It checks {@link isOver} before it acts. What it throws is answered here
   * if it is about the request or about Moov.
   */
  serve(req: Request, res: Response): Promise<void>;
}

/** A router with one route that takes `POST` alone: from no other site, past the guards, and never from a cache. */
export function protectedRoute({ path, guard, allowedOrigins: origins, serve }: ProtectedRoute): Router {
  // A copy, which the application cannot change.
  const guards = [guard].flat();
  const router = Router();
  router.all(path, (req, res, next) => {
    answer(req, res).catch(next);
  });
  return router;

  async function answer(req: Request, res: Response): Promise<void> {
    if (isOver(res)) return;
    res.set('Cache-Control', 'no-store');
    if (!admitsOrigin(req, res, origins)) {
      return refuse(res, 403, 'access_denied', 'Requests from this site are not allowed.');
    }
    if (req.method === 'OPTIONS') return answerPreflight(req, res, 'POST');
    if (req.method !== 'POST') {
      res.set('Allow', 'POST, OPTIONS');
      return refuse(res, 405, 'invalid_request', 'Use POST.');
    }
    for (const guard of guards) {
      await runGuard(guard, req, res);
      if (isOver(res)) return;
    }
    await serve(req, res).catch((error: unknown) => answerFailure(res, error));
  }
}

/** Whether the request has been answered, or its client is gone: then nothing may be done for it any more. */
export function isOver(res: Response): boolean {
  return res.headersSent || res.writableEnded || res.destroyed;
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
    if (!isOver(res)) res.set({ 'Retry-After': '1', ...error.headers });
    refuse(res, 503, 'temporarily_unavailable', 'Moov is temporarily unavailable. Retry the request.');
  } else if (error instanceof MoovAuthError && !(error instanceof MoovConfigError)) {
    refuse(res, 502, 'server_error', 'Moov refused the request.');
  } else {
    throw error;
  }
}

function refuse(res: Response, status: number, error: string, description: string): void {
  if (isOver(res)) return;
  res.status(status).json({ error, error_description: description });
}

function isGuard(value: unknown): boolean {
  const list: unknown[] = Array.isArray(value) ? [...value] : [value];
  return list.length > 0 && list.every(isHandler);
}

function isHandler(value: unknown): boolean {
  return typeof value === 'function';
}

/**
 * Runs one guard. The package does it itself, so that the rejection of an asynchronous guard is seen on Express 4 too.
 *
 * A guard allows by `next()`, or with `undefined` or `null` as Node's callbacks have it for "no error". What else it
 * does in the same turn counts too, whatever comes first: an answer, `next(error)`, an exception.
 *
 * @returns a promise that resolves when the guard allows. It stays pending when the guard answers instead.
 * @throws {@link MoovConfigError} when the guard returns a boolean and does neither.
 * @throws what the guard passes to `next`, throws or rejects with. It is never empty, and "route" and "router" come
 * from `next` alone: Express would take either for permission to go on.
 */
function runGuard(guard: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (reason?: unknown) => {
      if (reason === undefined || reason === null) setImmediate(resolve);
      else reject(reason || failedWith(reason));
    };
    const run = async (): Promise<unknown> => guard(req, res, next);
    run().then(
      (returned) => {
        if (typeof returned !== 'boolean') return;
        // It may still be about to call next() or to answer.
        const late = () => {
          if (!isOver(res)) reject(returnedInstead(returned));
        };
        setTimeout(late, RETURNED_GRACE_MS).unref();
      },
      (reason: unknown) => {
        reject(!reason || reason === 'route' || reason === 'router' ? failedWith(reason) : reason);
      },
    );
  });
}

function returnedInstead(returned: boolean): MoovConfigError {
  return new MoovConfigError(
    `A guard returned ${returned} and did not call next(), so the request was not allowed. A guard is Express middleware: it allows by next(), and refuses by a response such as res.sendStatus(403).`,
  );
}

function failedWith(reason: unknown): Error {
  return new Error(`A guard failed without an error: it gave ${describeType(reason)}`);
}
