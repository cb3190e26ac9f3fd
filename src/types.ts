import type { AxiosInstance } from 'axios';
// Its types add 'axios-retry' to the settings of a call, which applications use with `req.moov`.
import 'axios-retry';
import type { RequestHandler, Router } from 'express';
import type { BrowserTokenRouterOptions } from './express/browser-token-router.js';
import type { RevokeRouterOptions } from './express/revoke-router.js';
import type { MoovFetch } from './fetch/moov-fetch.js';
import type { FetchInput } from './fetch/request.js';
import type { MoovResponse } from './fetch/response.js';
import type { MoovScope } from './scopes/scopes.js';
import type { MoovClientTarget, MoovTarget } from './scopes/target.js';
import type { MoovAuthStatus } from './tokens/status.js';
import type { MoovEvent } from './webhooks/event.js';

declare global {
  namespace Express {
    interface Request {
      /** An Axios instance that is authenticated with Moov's API; set by `moovAuth`. */
      moov: AxiosInstance;
      /** The event of a webhook delivery; set by `moovWebhook`. */
      moovEvent: MoovEvent;
    }
  }
}

/** Express middleware that sets `req.moov`, with methods to manage its tokens. */
export interface MoovAuth extends RequestHandler {
  /**
   * The instance that handlers see as `req.moov`, for jobs outside a request. With `{accountID}` in the scopes and no
   * fixed account its calls reject with {@link MoovScopeError}; use {@link clientFor}.
   */
  readonly client: AxiosInstance;
  /**
   * Waits for the start-up token. Scopes with `{accountID}` and no fixed account have none; then this resolves at once.
   * After a failure a new call waits for the outcome of the next retry.
   *
   * @throws {@link MoovTokenError} when Moov refuses, {@link MoovUnavailableError} when it can't be reached.
   */
  ready(): Promise<void>;
  /**
   * Middleware with other scopes, on the same key and pool. It replaces the scopes of `req.moov` for the handlers that
   * follow.
   *
   * @param scopes - A list, or one string with scopes separated by spaces.
   * @throws {@link MoovConfigError} for invalid scopes.
   */
  scoped(scopes: MoovScope | readonly MoovScope[]): RequestHandler;
  /**
   * The Axios instance for some scopes and an account, without a request. The same target gives the same instance
   * while its token is kept; making one costs no network.
   *
   * @param target - The scopes and the account. Default: those of `moovAuth(scopes, options)`. With
   * `background: true`, its calls let others go first while they wait for Moov's rate limit.
   * @throws {@link MoovScopeError} when an account is missing or not a UUID; {@link MoovConfigError} for invalid
   * scopes or an invalid `background`.
   */
  clientFor(target?: MoovClientTarget): AxiosInstance;
  /**
   * A WHATWG `fetch` under the rules of `req.moov`: the bearer token, `Origin` and `X-Moov-Version` (unless `init` has
   * one) are added, after a 401 the token is renewed and the call repeated, retries are those of `req.moov` (a POST or PATCH with an
   * `X-Idempotency-Key` alone), and `timeoutMs` limits the whole call. Scopes and account are those of {@link client};
   * {@link fetchFor} is for others.
   *
   * - **Bodies.** A Request's body is read once, up to 32 MiB, and sent as bytes, so that it can be sent again. Bytes,
   *   text, forms and Blobs in `init.body` have no limit; a stream there (with `duplex: 'half'`) can be sent only once.
   * - **The response** to a GET comes with its head. A body that has not come whole by then must be read:
   *   unread, it is cancelled when nothing of it came for `attemptTimeoutMs`, or at once by `body.cancel()`. Responses
   *   to other methods are buffered first. Every status resolves, also Moov's own 3xx, which are not followed.
   *   `response.moov` reports the attempts of the call and its outcome.
   * - **Options** of browsers (`credentials`, `mode`, `cache` and the like) and `redirect: 'follow'` have no effect here;
   *   `redirect: 'error'` is respected; `dispatcher` and `integrity` are refused.
   *
   * Every error of the call has `moov`, so {@link isMoovCallError} recognises it, and `error.moov.ambiguous` says whether Moov
   * may have acted. This includes errors while a body is read.
   *
   * @param input - A path such as `/accounts`, a URL below the base URL's origin, or a Request (also undici's own).
   * @param init - As of `fetch`; it overrides a Request.
   * @returns a WHATWG Response. `clone()` of it is a plain one, without `moov` and `url`.
   * @throws {@link MoovOriginError} when it leads elsewhere; {@link MoovConfigError} for what would bypass the rules, and a
   * Request's body over 32 MiB; {@link MoovReplayError} when a stream would have to be sent again;
   * {@link MoovTokenError}, {@link MoovUnavailableError} and {@link MoovScopeError} as `req.moov` does.
   * @throws DOMException when the signal aborts: a new one with `moov`, named as the signal's reason, which is its `cause`,
   * or `AbortError` if the reason is no DOMException. One named `TimeoutError` when `timeoutMs` or `attemptTimeoutMs`
   * is over.
   * @throws TypeError `fetch failed`, with an AxiosError as `cause`, for network failures and responses over
   * 10 MiB; other TypeErrors for an invalid request.
   * @see {@link https://fetch.spec.whatwg.org/#fetch-method | Fetch standard}
   */
  fetch(input: FetchInput, init?: RequestInit): Promise<MoovResponse>;
  /**
   * The {@link fetch} for some scopes and an account, as {@link clientFor} is the Axios instance for them.
   *
   * @param target - The scopes and the account. Default: those of `moovAuth(scopes, options)`. With
   * `background: true`, its calls let others go first while they wait for Moov's rate limit.
   * @returns a `fetch` with the rules, and the errors, of {@link fetch}.
   * @throws {@link MoovScopeError} when an account is missing or not a UUID; {@link MoovConfigError} for invalid
   * scopes or an invalid `background`.
   */
  fetchFor(target?: MoovClientTarget): MoovFetch;
  /**
   * The access token, for clients that are not Axios (RFC 6750 section 2.1). It is a secret: keep it out of logs.
   *
   * @param target - The scopes and the account. Default: those of `moovAuth(scopes, options)`.
   * @returns the current token; if there is none, a new one, within `tokenTimeoutMs`.
   * @throws {@link MoovTokenError} or {@link MoovUnavailableError} when no token is available; otherwise as
   * {@link clientFor} does.
   */
  accessToken(target?: MoovTarget): Promise<string>;
  /**
   * Requests a new token now, or waits for the renewal in flight.
   *
   * @param target - The scopes and the account. Default: those of `moovAuth(scopes, options)`.
   * @throws {@link MoovTokenError} or {@link MoovUnavailableError} when the request fails; otherwise as
   * {@link clientFor} does.
   */
  renew(target?: MoovTarget): Promise<void>;
  /**
   * Revokes every token (RFC 7009): cached ones, those of requests in flight, and those that a renewal replaced or the pool
   * evicted while they were valid (the last 10,000 and `maxTokens` of them). They are not used again. Revocations that Moov
   * does not confirm within 10 s stay pending until the token expires, and the next `revoke()` retries them. The next call
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
   * through `onEvent` and `status().pendingRevocations`. It waits up to 5 s for calls in flight; those that take longer
   * reject with `ERR_MOOV_CLOSED`, and `error.moov` says what became of them. Afterwards nothing of this object keeps the
   * process open: connections are closed, and so are streamed responses of which nothing was read. Never rejects.
   *
   * @param options - Whether to revoke the tokens; the options of the first call count.
   * @throws {@link MoovConfigError} at once, for a wrong option; nothing is closed.
   */
  close(options?: {
    /** Default `false`. */
    revoke?: boolean;
  }): Promise<void>;
}
