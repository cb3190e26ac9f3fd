import type { AxiosInstance } from 'axios';
// Its types add 'axios-retry' to the settings of a call, which applications use with `req.moov`.
import 'axios-retry';
import type { RequestHandler, Router } from 'express';
import type { BrowserTokenRouterOptions } from './express/browser-token-router.js';
import type { MoovTarget } from './express/request-handler.js';
import type { RevokeRouterOptions } from './express/revoke-router.js';
import type { MoovFetch } from './fetch/moov-fetch.js';
import type { FetchInput } from './fetch/request.js';
import type { MoovResponse } from './fetch/response.js';
import type { MoovScope } from './scopes/scopes.js';

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
  readonly lastError?: {
    /** The error's code, such as `ERR_MOOV_NETWORK`. */
    readonly code: string;
    /** The error's message. */
    readonly message: string;
    /** When that was. */
    readonly at: Date;
  };
  /** How many tokens are held. */
  readonly tokens: number;
  /** How many tokens are out of service whose revocation Moov has not confirmed. */
  readonly pendingRevocations: number;
}

/** Express middleware that sets `req.moov`, and the life of the token behind it. */
export interface MoovAuth extends RequestHandler {
  /**
   * What handlers see as `req.moov`; for jobs outside a request. With `{accountID}` in the scopes and no fixed account
   * its calls reject with {@link MoovScopeError}; use {@link clientFor}.
   */
  readonly client: AxiosInstance;
  /**
   * Waits for the first token, if there is one of start-up: scopes with `{accountID}` and no fixed account have none. After a failure a new call waits for the outcome of the next probe.
   *
   * @throws {@link MoovTokenError} when Moov refuses, {@link MoovUnavailableError} when it can't be reached.
   */
  ready(): Promise<void>;
  /**
   * Middleware with other scopes, on the same key and pool: `req.moov` has these and no others after it.
   *
   * @param scopes - A list, or one string in which spaces divide them.
   * @throws {@link MoovConfigError} for scopes that are none.
   */
  scoped(scopes: MoovScope | readonly MoovScope[]): RequestHandler;
  /**
   * The Axios instance for some scopes and an account, without a request. The same target gives the same instance
   * while its token is kept; making one costs no network.
   *
   * @param target - The scopes and the account. Default: those of `moovAuth(scopes, options)`.
   * @throws {@link MoovScopeError} when an account is missing or no UUID; {@link MoovConfigError} for scopes that are none.
   */
  clientFor(target?: MoovTarget): AxiosInstance;
  /**
   * A WHATWG `fetch` under the rules of `req.moov`: bearer, `Origin` and `X-Moov-Version` (unless `init` has one) are
   * added, a 401 is renewed and replayed once, retries are those of `req.moov` (a POST or PATCH with an
   * `X-Idempotency-Key` alone), and `timeoutMs` is the whole call. Scopes and account are those of {@link client};
   * {@link fetchFor} is for others.
   *
   * - **Bodies.** A Request's body is read once, up to 32 MiB, and sent as bytes, so that it can be sent again. Bytes,
   *   text, forms and Blobs in `init.body` have no limit; a stream there (with `duplex: 'half'`) can be sent but once.
   * - **The reply** to a GET comes as a stream, and its body is to be read within `attemptTimeoutMs` of the attempt's
   *   start; an unread one is given up then, and at once by `body.cancel()`. Any other reply is read whole first.
   *   Every status resolves, 3xx of Moov's own too, which are not followed. `response.moov` says what the call went
   *   through.
   * - **Options** of browsers (`credentials`, `mode`, `cache` and the like) and `redirect: 'follow'` mean nothing here;
   *   `redirect: 'error'` is kept; `dispatcher` and `integrity` are refused.
   *
   * Every error of the call has `moov`, so {@link isMoovCallError} tells it and `error.moov.ambiguous` whether Moov may have
   * acted. An error while a body is read is one of these too.
   *
   * @param input - A path such as `/accounts`, a URL below the base URL's origin, or a Request (also undici's own).
   * @param init - As of `fetch`; it overrides a Request.
   * @returns a WHATWG Response. `clone()` of it is a plain one, without `moov` and `url`.
   * @throws {@link MoovOriginError} when it leads elsewhere; {@link MoovConfigError} for what would bypass the rules, and a
   * Request's body over 32 MiB; {@link MoovReplayError} when a stream would have to be sent again;
   * {@link MoovTokenError}, {@link MoovUnavailableError} and {@link MoovScopeError} as `req.moov` does.
   * @throws DOMException when the signal aborts: named as its reason, which is its `cause`, and `AbortError` if that is
   * no DOMException. A new one, so that it can have `moov`. One named `TimeoutError` when `timeoutMs` or
   * `attemptTimeoutMs` is over.
   * @throws TypeError `fetch failed`, with an AxiosError as `cause`, for failures of the network and replies over
   * 10 MiB; other TypeErrors for what is no request.
   * @see {@link https://fetch.spec.whatwg.org/#fetch-method | Fetch standard}
   */
  fetch(input: FetchInput, init?: RequestInit): Promise<MoovResponse>;
  /**
   * The {@link fetch} for some scopes and an account, as {@link clientFor} is the Axios instance for them.
   *
   * @param target - The scopes and the account. Default: those of `moovAuth(scopes, options)`.
   * @returns a `fetch` with the rules, and the errors, of {@link fetch}.
   * @throws {@link MoovScopeError} when an account is missing or no UUID; {@link MoovConfigError} for scopes that are none.
   */
  fetchFor(target?: MoovTarget): MoovFetch;
  /**
   * The access token, for clients that are not Axios (RFC 6750 section 2.1). It is a secret: keep it out of logs.
   *
   * @param target - The scopes and the account. Default: those of `moovAuth(scopes, options)`.
   * @returns the token held; when there is none, once one is obtained, within `tokenTimeoutMs`.
   * @throws {@link MoovTokenError} or {@link MoovUnavailableError} when none can be had; as {@link clientFor} does.
   */
  accessToken(target?: MoovTarget): Promise<string>;
  /**
   * Obtains a new token now, or joins the renewal in flight.
   *
   * @param target - The scopes and the account. Default: those of `moovAuth(scopes, options)`.
   * @throws {@link MoovTokenError} or {@link MoovUnavailableError} when none can be had; as {@link clientFor} does.
   */
  renew(target?: MoovTarget): Promise<void>;
  /**
   * Revokes every token (RFC 7009): those held, those on their way, and those that a renewal replaced or the pool evicted
   * while they were valid (the last 10,000 and `maxTokens` of them). They are out of service at once. What Moov does not
   * confirm within 10 s stays pending until its token expires, and is tried again by the next `revoke()`. The next call
   * requests a new token.
   *
   * @throws {@link MoovRevokeError} or {@link MoovUnavailableError} when Moov did not confirm one of these; not
   * for what an earlier `revoke()` has left pending.
   */
  revoke(): Promise<void>;
  /**
   * An Express router that serves `POST /revoke` in the form of RFC 7009 section 2.
   *
   * @param options - `guard` is required; see {@link RevokeRouterOptions}.
   * @throws {@link MoovConfigError} when `guard` is missing or an option is wrong.
   */
  revokeRouter(options: RevokeRouterOptions): Router;
  /**
   * An Express router that serves `POST /token`: short-lived access tokens for a browser or a phone, with the scopes
   * that the server decides on. It answers with {@link BrowserToken}.
   *
   * @param options - `guard` and `scopes` are required; see {@link BrowserTokenRouterOptions}.
   * @throws {@link MoovConfigError} when `guard` or `scopes` is missing or an option is wrong.
   */
  browserTokenRouter(options: BrowserTokenRouterOptions): Router;
  /** The state of the token, for health routes. No secrets. */
  status(): MoovAuthStatus;
  /**
   * Ends all token requests, waiting or in flight; later calls reject with `ERR_MOOV_CLOSED`. With `revoke`, it first
   * revokes every token, as {@link revoke} does, and resolves within 5 s; what Moov did not confirm by then is reported
   * through `onEvent` and `status().pendingRevocations`. Idle connections are closed. Afterwards nothing of this object
   * keeps the process open. Never rejects.
   *
   * @param options - Whether to revoke the tokens; the options of the first call count.
   * @throws {@link MoovConfigError} at once, for a wrong option; nothing is closed.
   */
  close(options?: {
    /** Default `false`. */
    revoke?: boolean;
  }): Promise<void>;
}
