import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { parseOptions, wording } from '../config/parse-options.js';
import { MoovRevokeError } from '../errors.js';
import { readFields } from './body.js';
import { type Guard, isOver, protectedRoute, routeOptions } from './protected-route.js';
import { BodyError } from './request-bytes.js';

/** Options of `moov.revokeRouter`. */
export interface RevokeRouterOptions {
  /** Express middleware that calls `next()` for users who may revoke; runs before the body is read. */
  guard: Guard;
  /**
   * Whether a request without a `token` revokes all tokens of this `MoovAuth` (default), or is refused. Use `false` for
   * routes of end users, such as a sign-out.
   */
  held?: boolean | undefined;
  /** Other origins whose pages may call the route from a browser, as scheme and host. Default: none. */
  allowedOrigins?: string[] | undefined;
}

/** The actions of the router at Moov. */
export interface RevokeActions {
  revokeHeld(): Promise<void>;
  revokeToken(token: string, tokenTypeHint: 'access_token' | 'refresh_token' | undefined): Promise<void>;
}

const routerOptions = z.object({
  ...routeOptions,
  held: z.boolean().default(true).register(wording, { expected: 'true or false' }),
});

const revocation = z.object({
  token: z.string().min(1),
  token_type_hint: z.string().nullish(),
});

/**
 * Creates the router for `POST /revoke`, as in RFC 7009.
 *
 * @throws {@link MoovConfigError} naming the option and what was expected.
 */
export function createRevokeRouter(actions: RevokeActions, options: RevokeRouterOptions): Router {
  const { held, ...route } = parseOptions({ name: 'revokeRouter' }, routerOptions, options ?? {});
  return protectedRoute({ path: '/revoke', ...route, serve });

  async function serve(req: Request, res: Response): Promise<void> {
    const fields = await readFields(req);
    if (isOver(res)) return;
    await revoke(fields);
    if (!isOver(res)) res.status(200).end();
  }

  async function revoke(fields: Record<string, unknown> | undefined): Promise<void> {
    if (fields === undefined || Object.keys(fields).length === 0) {
      if (!held) throw new BodyError(400, 'The field "token" is required.');
      return actions.revokeHeld();
    }
    const parsed = revocation.safeParse(fields);
    if (!parsed.success) {
      throw new BodyError(
        400,
        parsed.error.issues[0]?.path[0] === 'token_type_hint'
          ? 'The field "token_type_hint" must be a string.'
          : 'The field "token" must be a non-empty string.',
      );
    }
    const { token, token_type_hint: hint } = parsed.data;
    try {
      // RFC 7009 section 2.1: an unknown hint may be ignored.
      await actions.revokeToken(
        token,
        hint === 'access_token' || hint === 'refresh_token' ? hint : undefined,
      );
    } catch (error) {
      throw isFaultOfToken(error) ? new BodyError(400, 'Moov does not accept this token.') : error;
    }
  }
}

/** Whether Moov rejected the token itself, which came from the client. */
function isFaultOfToken(error: unknown): boolean {
  return error instanceof MoovRevokeError && (error.upstreamStatus === 400 || error.upstreamStatus === 422);
}
