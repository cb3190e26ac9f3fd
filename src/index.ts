/**
 * Express middleware that gives each route handler an Axios instance that is authenticated with Moov's API.
 *
 * @module express-moov-auth
 */
export { isMoovCallError } from './client/call-info.js';
export type {
  Credentials,
  MoovConnectionOptions,
  MoovOAuthOptions,
  Secret,
  SecretOrPair,
} from './config/connection-options.js';
export type { MoovAuthOptions } from './config/options.js';
export {
  MoovAuthError,
  type MoovCallCode,
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
  MoovWebhookError,
  type MoovWebhookErrorCode,
} from './errors.js';
export type { MoovAuthEvent } from './events.js';
export type { BrowserToken, BrowserTokenRouterOptions } from './express/browser-token-router.js';
export { type MoovErrorHandlerOptions, moovErrorHandler } from './express/error-handler.js';
export type { Guard } from './express/protected-route.js';
export type { RevokeRouterOptions } from './express/revoke-router.js';
export { moovWebhook } from './express/webhook.js';
export type { MoovFetch } from './fetch/moov-fetch.js';
export type { FetchInput } from './fetch/request.js';
export type { MoovResponse } from './fetch/response.js';
export { idempotencyKey } from './idempotency-key.js';
export type { MoovLogFunction, MoovLogger } from './logging/logger.js';
export { moovAuth } from './moov-auth.js';
export {
  type CallOptions,
  type CreateAccessTokenRequest,
  MoovOAuthClient,
  type RevokeAccessTokenRequest,
} from './moov-oauth-client.js';
export { moovPath } from './moov-path.js';
export type { AuthToken } from './oauth/token-request.js';
export {
  type MoovProblem,
  type MoovProblemOptions,
  type MoovProblemResponse,
  moovProblem,
} from './problem/problem.js';
export type { MoovScope } from './scopes/scopes.js';
export type { MoovClientTarget, MoovTarget } from './scopes/target.js';
export type {
  ForgottenGeneration,
  StoredToken,
  TakenTokens,
  TokenGeneration,
  TokenLock,
  TokenStore,
  TokenStoreAnswer,
  TokenStoreChange,
} from './token-store.js';
export { type MemoryTokenStoreOptions, memoryTokenStore } from './tokens/memory-store.js';
export type { MoovAuthStatus } from './tokens/status.js';
export type { MoovAuth } from './types.js';
export type { MoovEvent, MoovEventType } from './webhooks/event.js';
export type { MoovWebhookHeaders } from './webhooks/headers.js';
export type { MoovWebhookOptions } from './webhooks/options.js';
export { type MoovWebhookRequest, verifyMoovWebhook } from './webhooks/verify.js';
