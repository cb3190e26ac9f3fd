import type { AxiosInstance } from 'axios';
import type { RequestHandler, Router } from 'express';
import { createMoovClient } from './client/moov-client.js';
import { MoovAuthError, MoovTokenError } from './errors.js';
import { type Emit, emitter } from './events.js';
import { Timers } from './http/timers.js';
import { makeEndpoint } from './oauth/client.js';
import { diagnose } from './oauth/diagnosis.js';
import { type AuthToken, type Exchange, mint, revoke } from './oauth/operations.js';
import { type MoovAuthOptions, readAuthOptions, type Settings } from './options.js';
import { createRevokeRouter, type RevokeRouterOptions } from './routers/revoke.js';
import { type MoovScope, normaliseScopes } from './scopes.js';
import { Revocations } from './tokens/revocations.js';
import { type Mint, TokenSource } from './tokens/token-source.js';

declare global {
  namespace Express {
    interface Request {
      /** An Axios instance that is authorised at Moov; set by `moovAuth`. */
      moov: AxiosInstance;
    }
  }
}

/** What {@link MoovAuth.status} tells. */
export interface MoovAuthStatus {
  /**
   * `starting`: no token yet, or none since a revocation. `ready`: one is held. `degraded`: one is held, but the
   * last renewal failed. `failed`: none is held, and none can be had. `closed`: after `close()`.
   */
  readonly state: 'starting' | 'ready' | 'degraded' | 'failed' | 'closed';
  /** When the token held ends, by the local clock. */
  readonly expiresAt?: Date;
  /** Why the last token request failed; absent once one has succeeded. */
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: Date };
  /** How many tokens are held. */
  readonly tokens: number;
  /** How many tokens are out of service whose revocation Moov has not confirmed. */
  readonly pendingRevocations: number;
}

/** Express middleware that sets `req.moov`, and the life of the token behind it. */
export interface MoovAuth extends RequestHandler {
  /** What handlers see as `req.moov`; for jobs outside a request. */
  readonly client: AxiosInstance;
  /**
   * Waits for the first token. After a failure a new call waits for the outcome of the next probe.
   *
   * @throws {@link MoovTokenError} when Moov refuses, {@link MoovUnavailableError} when it can't be reached.
   */
  ready(): Promise<void>;
  /**
   * The access token, for clients that are not Axios. It is a secret: keep it out of logs.
   *
   * @throws {@link MoovTokenError} or {@link MoovUnavailableError} when none can be had.
   */
  accessToken(): Promise<string>;
  /**
   * Obtains a new token now, or joins the renewal in flight.
   *
   * @throws {@link MoovTokenError} or {@link MoovUnavailableError} when none can be had.
   */
  renew(): Promise<void>;
  /**
   * Gives back every token held (RFC 7009). They are out of service at once; what Moov does not confirm within 10 s
   * stays pending and is tried again by the next `revoke()`. The next call obtains a new token.
   *
   * @throws {@link MoovRevokeError} or {@link MoovUnavailableError} when Moov did not confirm.
   */
  revoke(): Promise<void>;
  /**
   * An Express router that serves `POST /revoke` in the form of RFC 7009.
   *
   * @throws {@link MoovConfigError} when `guard` is missing or an option is wrong.
   */
  revokeRouter(options: RevokeRouterOptions): Router;
  /** The state of the token, for health routes. No secrets. */
  status(): MoovAuthStatus;
  /**
   * Ends renewals; later calls reject with `ERR_MOOV_CLOSED`. With `revoke`, gives back the tokens held within 5 s;
   * what Moov did not confirm by then is told through `onEvent` and `status().pendingRevocations`. Never rejects.
   */
  close(options?: { revoke?: boolean }): Promise<void>;
}

const REVOKE_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Express middleware that gives every request `req.moov`, an Axios instance authorised at Moov, and begins to
 * obtain the token for it at once (RFC 6749 section 4.4).
 *
 * @param scopes - What the token may do: a list, or one string in which spaces divide them.
 * @param options - Each option falls back to its `MOOV_*` variable; see {@link MoovAuthOptions}.
 * @throws {@link MoovConfigError} naming the option or scope, what was expected and how to set it.
 */
export function moovAuth(scopes: MoovScope | readonly MoovScope[], options: MoovAuthOptions = {}): MoovAuth {
  const scope = normaliseScopes(scopes);
  const settings = readAuthOptions(options);
  const emit = emitter(settings.logger, settings.onEvent);
  const endpoint = makeEndpoint(settings);
  const timers = new Timers();
  const source = new TokenSource(mintFor(scope, settings, endpoint, emit), emit, (token) =>
    revocations.add(token),
  );
  const revocations = new Revocations(
    (token, tokenTypeHint, { timeoutMs }) =>
      revoke(endpoint, { token, tokenTypeHint }, { ...exchange, timeoutMs, timers }),
    timers,
  );
  const exchange = { credentials: settings.credentials, headers: {}, retries: 1, signal: undefined };
  const client = createMoovClient(settings, source, emit);
  let closing: Promise<void> | undefined;

  async function revokeHeld(timeoutMs: number): Promise<void> {
    const { token, renewalEnded } = source.surrender();
    if (token !== undefined) {
      revocations.add({ accessToken: token.accessToken(), refreshToken: token.refreshToken() });
    }
    const flushes = await Promise.allSettled([
      revocations.flush(timeoutMs),
      renewalEnded.then(() => revocations.flush(timeoutMs)),
    ]);
    const tokens = flushes.reduce((sum, flush) => sum + (flush.status === 'fulfilled' ? flush.value : 0), 0);
    const failed = flushes.find((flush) => flush.status === 'rejected');
    const pendingRevocations = revocations.count;
    if (failed === undefined) {
      if (tokens > 0) emit({ type: 'token.revoked', tokens, pendingRevocations });
      return;
    }
    const { reason } = failed;
    const code = reason instanceof MoovAuthError ? reason.code : 'ERR_MOOV_NETWORK';
    emit({ type: 'token.revokeFailed', code, message: String(reason), pendingRevocations });
    throw reason;
  }

  function status(): MoovAuthStatus {
    const { held, failure } = source;
    const token = closing || held?.isGone ? undefined : held;
    const error = failure?.error;
    return {
      state: closing ? 'closed' : token ? (failure ? 'degraded' : 'ready') : failure ? 'failed' : 'starting',
      ...(token ? { expiresAt: token.expiresAt } : {}),
      ...(failure && error
        ? { lastError: { code: error.code, message: error.message, at: failure.at } }
        : {}),
      tokens: token ? 1 : 0,
      pendingRevocations: revocations.count,
    };
  }

  async function close(revokeToo: boolean): Promise<void> {
    source.close();
    // It has been told, and a server on its way down has no other use for the error.
    if (revokeToo) await revokeHeld(CLOSE_TIMEOUT_MS).catch(() => undefined);
  }

  const handler: RequestHandler = (req, _res, next) => {
    req.moov = client;
    next();
  };
  source.start();
  return Object.freeze(
    Object.assign(handler, {
      client,
      ready: () => source.ready(),
      accessToken: async () => (await source.take()).accessToken(),
      renew: async () => {
        await source.renew();
      },
      revoke: () => revokeHeld(REVOKE_TIMEOUT_MS),
      revokeRouter: (routerOptions: RevokeRouterOptions) =>
        createRevokeRouter(
          {
            revokeHeld: () => revokeHeld(REVOKE_TIMEOUT_MS),
            revokeToken: (token, tokenTypeHint) =>
              timers.hold(
                revoke(
                  endpoint,
                  { token, tokenTypeHint },
                  { ...exchange, timeoutMs: REVOKE_TIMEOUT_MS, timers },
                ),
              ),
          },
          routerOptions,
        ),
      status,
      close: (closeOptions: { revoke?: boolean } = {}) => (closing ??= close(closeOptions.revoke === true)),
    }),
  );
}

function mintFor(
  scope: string,
  settings: Settings,
  endpoint: ReturnType<typeof makeEndpoint>,
  emit: Emit,
): Mint {
  const warned = new Set<string>();

  return async ({ refreshToken, retries, signal, timers }) => {
    const end = performance.now() + settings.tokenTimeoutMs;
    const reply = await obtain(refreshToken, () => ({
      credentials: settings.credentials,
      headers: {},
      timeoutMs: Math.max(1, end - performance.now()),
      retries,
      signal,
      timers,
    }));
    for (const message of diagnose(reply.accessToken, settings)) {
      if (!warned.has(message)) emit({ type: 'token.warning', message });
      warned.add(message);
    }
    return reply;
  };

  async function obtain(refreshToken: string | undefined, exchange: () => Exchange): Promise<AuthToken> {
    if (settings.renewWith === 'refresh_token' && refreshToken !== undefined) {
      try {
        return await mint(endpoint, { grantType: 'refresh_token', refreshToken }, exchange());
      } catch (error) {
        // A refused refresh token is no reason to be without a token (RFC 6749 section 6): the key can get another.
        if (!(error instanceof MoovTokenError)) throw error;
      }
    }
    return mint(endpoint, { grantType: 'client_credentials', scope }, exchange());
  }
}
