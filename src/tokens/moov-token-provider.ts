import type { Credentials } from '../config/connection-options.js';
import { MoovTokenError, MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import type { OAuthEndpoint } from '../oauth/endpoint.js';
import { type Expectations, findClaimMismatches } from '../oauth/token-claims.js';
import { type AuthToken, type Grant, requestToken } from '../oauth/token-request.js';
import { missingScopes } from '../scopes/scopes.js';
import type { Timers } from '../utils/timers.js';
import type { RenewalContext } from './token-provider.js';
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

/** Obtains a token at Moov. */
export type MoovTokenRequest = (want: RenewalContext) => Promise<AuthToken>;

/** Obtains tokens for one `MoovAuth`, whatever the scopes: one gate for all, and one place where they are looked at. */
export class MoovTokenProvider {
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
    let toldOfMore = false;
    return async ({ held, retries, signal, timers }) => {
      const reply = await this.#renew(scope, held?.refreshToken(), { retries, signal, timers });
      const missing = reply.scope === undefined ? [] : missingScopes(scope, reply.scope);
      if (missing.length > 0 && !toldOfFewer) this.#emit({ type: 'token.narrowed', missing });
      toldOfFewer ||= missing.length > 0;
      const extra = reply.scope === undefined ? [] : missingScopes(reply.scope, scope);
      if (extra.length > 0 && !toldOfMore) this.#emit({ type: 'token.widened', extra });
      toldOfMore ||= extra.length > 0;
      return reply;
    };
  }

  /** A new token by client credentials (RFC 6749 section 4.4). */
  async obtain(scope: string, request: TokenRequestOptions): Promise<AuthToken> {
    const reply = await this.#mint({ grantType: 'client_credentials', scope }, request);
    for (const message of findClaimMismatches(reply.accessToken, this.#settings)) {
      if (!this.#warnings.has(message)) this.#emit({ type: 'token.warning', message });
      this.#warnings.add(message);
    }
    return reply;
  }

  async #renew(
    scope: string,
    refreshToken: string | undefined,
    request: TokenRequestOptions,
  ): Promise<AuthToken> {
    if (this.#settings.renewWith === 'refresh_token' && refreshToken !== undefined) {
      try {
        return await this.#mint({ grantType: 'refresh_token', refreshToken }, request);
      } catch (error) {
        // A refused refresh token is no reason to be without a token (RFC 6749 section 6): the key can get another.
        if (!(error instanceof MoovTokenError)) throw error;
      }
    }
    return this.obtain(scope, request);
  }

  /** The time-out begins with the first place at the gate: waiting in a queue is no failure of Moov's. */
  async #mint(grant: Grant, { retries, signal, timers }: TokenRequestOptions): Promise<AuthToken> {
    const { tokenTimeoutMs } = this.#settings;
    const enter = (until: AbortSignal, mostMs: number) =>
      this.#gate.enter(until, mostMs, (ms) => timers.sleep(ms, until));
    await enter(signal, tokenTimeoutMs);
    const end = performance.now() + tokenTimeoutMs;
    let inside = true;
    try {
      return await requestToken(this.#endpoint, grant, {
        credentials: this.#settings.credentials,
        headers: {},
        timeoutMs: tokenTimeoutMs,
        retries,
        signal,
        timers,
        through: async (attempt, limit) => {
          if (!inside) await enter(limit, end - performance.now());
          inside = true;
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
