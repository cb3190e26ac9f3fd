import type { Credentials } from '../config/connection-options.js';
import { MoovTokenError, MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import type { OAuthEndpoint } from '../oauth/endpoint.js';
import { type Expectations, findClaimMismatches } from '../oauth/token-claims.js';
import { type AuthToken, type Grant, requestToken } from '../oauth/token-request.js';
import { missingScopes } from '../scopes/scopes.js';
import type { Timers } from '../utils/timers.js';
import { fromMoov, type ObtainedToken } from './token.js';
import type { RenewalContext, TokenProvider } from './token-provider.js';
import { TokenRequestLimiter } from './token-request-limiter.js';

/** What Moov is given to recover when it answers 429 without saying how long. */
const DEFAULT_HOLD_MS = 1_000;

/** What it uses of the options. */
export interface TokenProviderSettings extends Expectations {
  renewWith: 'client_credentials' | 'refresh_token';
  tokenTimeoutMs: number;
  credentials: () => Promise<Credentials>;
}

export interface TokenRequestOptions {
  retries: number;
  signal: AbortSignal;
  timers: Timers;
}

/** A response of Moov's, and when its request began. */
interface Requested {
  readonly response: AuthToken;
  readonly requestedAt: number;
}

/** Requests a token from Moov. */
export type MoovTokenRequest = (context: RenewalContext) => Promise<ObtainedToken>;

/** Obtains tokens for one `MoovAuth`, whatever the scopes: one gate for all, and one place where they are looked at. */
export class MoovTokenProvider implements TokenProvider {
  readonly #settings: TokenProviderSettings;
  readonly #endpoint: OAuthEndpoint;
  readonly #emit: Emit;
  readonly #gate = new TokenRequestLimiter();
  readonly #warnings = new Set<string>();

  constructor(settings: TokenProviderSettings, endpoint: OAuthEndpoint, emit: Emit) {
    this.#settings = settings;
    this.#endpoint = endpoint;
    this.#emit = emit;
  }

  /** How tokens of one set of scopes are obtained at Moov. */
  forScopes(scope: string): MoovTokenRequest {
    let toldOfFewer = false;
    return async ({ held, retries, signal, timers }) => {
      const requested = await this.#renew(scope, held?.refreshToken(), { retries, signal, timers });
      const { response, requestedAt } = requested;
      const missing = response.scope === undefined ? [] : missingScopes(scope, response.scope);
      if (missing.length > 0 && !toldOfFewer) this.#emit({ type: 'token.narrowed', missing });
      toldOfFewer ||= missing.length > 0;
      return fromMoov(response, requestedAt);
    };
  }

  /** A new token by client credentials (RFC 6749 section 4.4). */
  async obtain(scope: string, request: TokenRequestOptions): Promise<AuthToken> {
    return (await this.#byClientCredentials(scope, request)).response;
  }

  async #byClientCredentials(scope: string, request: TokenRequestOptions): Promise<Requested> {
    const requested = await this.#mint({ grantType: 'client_credentials', scope }, request);
    for (const message of findClaimMismatches(requested.response.accessToken, this.#settings)) {
      if (!this.#warnings.has(message)) this.#emit({ type: 'token.warning', message });
      this.#warnings.add(message);
    }
    return requested;
  }

  async #renew(
    scope: string,
    refreshToken: string | undefined,
    request: TokenRequestOptions,
  ): Promise<Requested> {
    if (this.#settings.renewWith === 'refresh_token' && refreshToken !== undefined) {
      try {
        return await this.#mint({ grantType: 'refresh_token', refreshToken }, request);
      } catch (error) {
        // A refused refresh token is no reason to be without a token (RFC 6749 section 6): the key can get another.
        if (!(error instanceof MoovTokenError)) throw error;
      }
    }
    return this.#byClientCredentials(scope, request);
  }

  /** The time-out begins with the first place at the gate: waiting in a queue is no failure of Moov's. */
  async #mint(grant: Grant, { retries, signal, timers }: TokenRequestOptions): Promise<Requested> {
    const { tokenTimeoutMs } = this.#settings;
    const enter = (until: AbortSignal, mostMs: number) =>
      this.#gate.enter(until, mostMs, (ms) => timers.sleep(ms, until));
    await enter(signal, tokenTimeoutMs);
    const end = performance.now() + tokenTimeoutMs;
    let inside = true;
    let requestedAt = performance.now();
    try {
      const response = await requestToken(this.#endpoint, grant, {
        credentials: this.#settings.credentials,
        headers: {},
        timeoutMs: tokenTimeoutMs,
        retries,
        signal,
        timers,
        through: async (attempt, limit) => {
          if (!inside) await enter(limit, end - performance.now());
          inside = true;
          requestedAt = performance.now();
          try {
            return await attempt();
          } catch (error) {
            this.#holdAfter(error);
            throw error;
          } finally {
            this.#gate.leave();
            inside = false;
          }
        },
      });
      return { response, requestedAt };
    } finally {
      if (inside) this.#gate.leave();
    }
  }

  #holdAfter(error: unknown): void {
    if (!(error instanceof MoovUnavailableError) || error.code !== 'ERR_MOOV_RATE_LIMITED') return;
    const asked = error.headers?.['Retry-After'];
    this.#gate.hold(asked === undefined ? DEFAULT_HOLD_MS : Number(asked) * 1000);
  }
}
