import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { MoovAuthError, MoovConfigError, MoovRevokeError, MoovUnavailableError } from '../errors.js';
import { BodyError, readFields } from './body.js';
import { admitsOrigin, answerPreflight, readAllowedOrigins } from './cross-site.js';
import { type Guard, readGuard, runGuards } from './guard.js';

/** Options of `moov.revokeRouter`. */
export interface RevokeRouterOptions {
  /** Decides who may revoke; runs before the body is read. */
  guard: Guard;
  /**
   * Whether a request without a `token` revokes the tokens this `MoovAuth` holds (default), or is refused. `false`
   * is for routes of end users, such as a sign-out.
   */
  held?: boolean | undefined;
  /** Other origins whose pages may call the route from a browser, as scheme and host. Default: none. */
  allowedOrigins?: string[] | undefined;
}

/** What the router can do at Moov. */
export interface RevokeActions {
  revokeHeld(): Promise<void>;
  revokeToken(token: string, tokenTypeHint: 'access_token' | 'refresh_token' | undefined): Promise<void>;
}

const revocation = z.object({
  token: z.string().min(1),
  token_type_hint: z.enum(['access_token', 'refresh_token']).optional(),
});

/** `POST /revoke`, shaped as RFC 7009. */
export function createRevokeRouter(actions: RevokeActions, options: RevokeRouterOptions): Router {
  const { guard, held = true, allowedOrigins } = options ?? {};
  const guards = readGuard('revokeRouter', guard);
  const origins = readAllowedOrigins('revokeRouter', allowedOrigins);
  if (typeof held !== 'boolean') throw new MoovConfigError('revokeRouter: "held" must be true or false.');

  const router = Router();
  router.all('/revoke', (req, res, next) => {
    serve(req, res).catch(next);
  });
  return router;

  async function serve(req: Request, res: Response): Promise<void> {
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
    try {
      await revoke(await readFields(req, res));
      res.status(200).end();
    } catch (error) {
      answer(res, error);
    }
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
          ? 'The field "token_type_hint" must be "access_token" or "refresh_token".'
          : 'The field "token" must be a non-empty string.',
      );
    }
    const { token, token_type_hint } = parsed.data;
    try {
      await actions.revokeToken(token, token_type_hint);
    } catch (error) {
      throw isFaultOfToken(error) ? new BodyError(400, 'Moov does not accept this token.') : error;
    }
  }
}

/** Whether Moov found fault with the token itself, which here came from the client. */
function isFaultOfToken(error: unknown): boolean {
  return error instanceof MoovRevokeError && (error.upstreamStatus === 400 || error.upstreamStatus === 422);
}

/** What a failed revocation is answered with; an error that is not about one is thrown on. */
function answer(res: Response, error: unknown): void {
  if (error instanceof BodyError) {
    refuse(res, error.status, 'invalid_request', error.message);
  } else if (error instanceof MoovUnavailableError) {
    res.set({ 'Retry-After': '1', ...error.headers });
    refuse(
      res,
      503,
      'temporarily_unavailable',
      'Moov could not be reached; the revocation is to be repeated.',
    );
  } else if (error instanceof MoovAuthError) {
    refuse(res, 502, 'server_error', 'Moov refused the revocation.');
  } else {
    throw error;
  }
}

/** RFC 6749 section 5.2, which RFC 7009 section 2.2.1 takes over. */
function refuse(res: Response, status: number, error: string, description: string): void {
  res.status(status).json({ error, error_description: description });
}
