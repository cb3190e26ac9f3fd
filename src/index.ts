/**
 * Express middleware that gives each route handler an Axios instance authorised at Moov.
 *
 * @module express-moov-auth
 */
export { isMoovCallError } from './client/call-error.js';
export { type MoovErrorHandlerOptions, moovErrorHandler } from './error-handler.js';
export {
  MoovAuthError,
  type MoovCallInfo,
  MoovConfigError,
  type MoovErrorCode,
  type MoovErrorDetails,
  MoovOriginError,
  MoovReplayError,
  MoovRevokeError,
  MoovScopeError,
  MoovTokenError,
  type MoovTokenErrorCode,
  MoovUnavailableError,
  type MoovUnavailableErrorCode,
} from './errors.js';
export type { MoovAuthEvent, MoovLogger } from './events.js';
export type { MoovFetch } from './fetch/moov-fetch.js';
export type { FetchInput } from './fetch/request.js';
export type { MoovResponse } from './fetch/response.js';
export { idempotencyKey } from './idempotency-key.js';
export { moovAuth } from './middleware.js';
export type { MoovAuth, MoovAuthStatus } from './moov-auth.js';
export { moovPath } from './moov-path.js';
export {
  type CallOptions,
  type CreateAccessTokenRequest,
  MoovOAuthClient,
  type RevokeAccessTokenRequest,
} from './oauth/client.js';
export type { AuthToken } from './oauth/operations.js';
export type { MoovAuthOptions, MoovConnectionOptions, MoovOAuthOptions, Secret } from './options.js';
export type { BrowserToken, BrowserTokenRouterOptions } from './routers/browser-token.js';
export type { Guard } from './routers/guard.js';
export type { RevokeRouterOptions } from './routers/revoke.js';
export type { MoovScope } from './scopes.js';
export type { MoovTarget } from './targets.js';
export { type MemoryTokenStoreOptions, memoryTokenStore } from './tokens/memory-store.js';
export type {
  StoredToken,
  TokenGeneration,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from './tokens/store.js';
