import type { Request, RequestHandler, Response } from 'express';
import { MoovConfigError } from '../errors.js';

/** Express middleware, one or several, that lets a request pass by calling `next()`. */
export type Guard = RequestHandler | readonly [RequestHandler, ...RequestHandler[]];

/** @throws {@link MoovConfigError} when a guard is missing, an empty list, or not made of functions. */
export function readGuard(router: string, guard: unknown): readonly RequestHandler[] {
  const list: unknown[] = Array.isArray(guard) ? [...guard] : [guard];
  if (list.length > 0 && list.every(isHandler)) return list;
  throw new MoovConfigError(
    `${router}: "guard" must be Express middleware, or a non-empty list of it, that calls next() for those who may use the route, as in ${router}({ guard: requireAdmin }).`,
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
export async function runGuards(
  guards: readonly RequestHandler[],
  req: Request,
  res: Response,
): Promise<void> {
  for (const guard of guards) {
    await new Promise<void>((resolve, reject) => {
      const next = (reason?: unknown) => (reason ? reject(reason) : resolve());
      // Without a reason it would pass for next(), which lets the request go on to whatever comes after the router.
      Promise.resolve(guard(req, res, next)).catch((reason) => reject(reason ?? new Error('A guard failed')));
    });
  }
}
