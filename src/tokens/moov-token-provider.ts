import type { Credentials } from '../config/connection-options.js';
import { MoovTokenError, MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import type { OAuthEndpoint } from '../oauth/endpoint.js';
import { type Expectations, findClaimMismatches } from '../oauth/token-claims.js';
import { type AuthToken, type Grant, requestToken } from '../oauth/token-request.js';
import { describeScopes, missingScopes } from '../scopes/scopes.js';
import { retryAfterOf } from '../utils/retry-after.js';
import type { Timers } from '../utils/timers.js';
import { fromMoov, type ObtainedToken, type Token } from './token.js';
import type { RenewalContext, TokenProvider } from './token-provider.js';
import { type TokenPriority, TokenRequestLimiter } from './token-request-limiter.js';

/** How long token requests are paused after a 429 without `Retry-After`. */
const DEFAULT_HOLD_MS = 1_000;

/** The options that it uses. */
export interface TokenProviderSettings extends Expectations {
  renewWith: 'client_credentials' | 'refresh_token';
  tokenTimeoutMs: number;
  credentials: () => Promise<Credentials>;
}

export interface TokenRequestOptions {
  priority: TokenPriority;
  /** How many attempts may follow the first. */
  retries: number;
  /**
   * Aborts when nobody waits for the token. An attempt that was sent continues, because Moov may have issued its token.
   */
  signal: AbortSignal;
}

/** A response from Moov, and when its request began. */
interface Requested {
  readonly response: AuthToken;
  readonly requestedAt: number;
}

/** Requests a token from Moov. */
export type MoovTokenRequest = (context: RenewalContext) => Promise<ObtainedToken>;

/** The parts of a {@link MoovTokenProvider}. */
export interface MoovTokenProviderParts {
  settings: TokenProviderSettings;
  endpoint: OAuthEndpoint;
  emit: Emit;
  timers: Timers;
  /** Ends requests in flight at the end of `close()`. */
  closed: AbortSignal;
}

/** Requests the tokens of one `MoovAuth` from Moov, of all scopes and for browsers, behind one limiter. */
export class MoovTokenProvider implements TokenProvider {
  readonly #parts: MoovTokenProviderParts;
  readonly #limiter = new TokenRequestLimiter();
  readonly #warnings = new Set<string>();

  constructor(parts: MoovTokenProviderParts) {
    this.#parts = parts;
  }

  /** Returns the function that requests the tokens of one set of scopes. */
  forScopes(scope: string): MoovTokenRequest {
    let reportedFewer = false;
    let reportedMore = false;
    return async ({ held, priority, retries, signal }) => {
      const { response, requestedAt } = await this.#renew(scope, held, { priority, retries, signal });
      const missing = response.scope === undefined ? [] : missingScopes(scope, response.scope);
      const asked = describeScopes(scope);
      if (missing.length > 0 && !reportedFewer) {
        this.#parts.emit({ type: 'token.narrowed', ...asked, missing });
      }
      reportedFewer ||= missing.length > 0;
      const extra = response.scope === undefined ? [] : missingScopes(response.scope, scope);
      if (extra.length > 0 && !reportedMore) this.#parts.emit({ type: 'token.widened', ...asked, extra });
      reportedMore ||= extra.length > 0;
      return fromMoov(response, requestedAt);
    };
  }

  /** Requests a token that is not for this server's own calls. */
  async request(scope: string, options: TokenRequestOptions): Promise<AuthToken> {
    return (await this.#byClientCredentials(scope, options)).response;
  }

  /** RFC 6749 section 4.4. */
  async #byClientCredentials(scope: string, options: TokenRequestOptions): Promise<Requested> {
    const { settings, emit } = this.#parts;
    const requested = await this.#request({ grantType: 'client_credentials', scope }, options);
    for (const message of findClaimMismatches(requested.response.accessToken, settings)) {
      if (!this.#warnings.has(message)) emit({ type: 'token.warning', message, ...describeScopes(scope) });
      this.#warnings.add(message);
    }
    return requested;
  }

  async #renew(scope: string, held: Token | undefined, options: TokenRequestOptions): Promise<Requested> {
    const refreshToken = held?.refreshToken();
    if (this.#parts.settings.renewWith === 'refresh_token' && refreshToken !== undefined) {
      try {
        const { response, requestedAt } = await this.#request(
          { grantType: 'refresh_token', refreshToken },
          options,
        );
        // Fields that the response leaves out do not change (RFC 6749 sections 5.1 and 6).
        const granted = response.scope ?? held?.scope;
        const kept = { refreshToken, ...(granted === undefined ? {} : { scope: granted }) };
        return { response: { ...kept, ...response }, requestedAt };
      } catch (error) {
        // After a refused refresh token (RFC 6749 section 6), the key can still get a new token.
        if (!(error instanceof MoovTokenError)) throw error;
      }
    }
    return this.#byClientCredentials(scope, options);
  }

  /** The time limit starts when the request leaves the queue; time spent queued is not Moov's fault. */
  async #request(grant: Grant, { priority, retries, signal }: TokenRequestOptions): Promise<Requested> {
    const { settings, endpoint, timers, closed } = this.#parts;
    const { tokenTimeoutMs } = settings;
    const enter = (until: AbortSignal, mostMs: number) =>
      this.#limiter.enter(until, mostMs, (ms) => timers.sleep(ms, until), priority);
    await enter(signal, tokenTimeoutMs);
    const end = performance.now() + tokenTimeoutMs;
    let inside = true;
    let requestedAt = performance.now();
    try {
      const response = await requestToken(endpoint, grant, {
        credentials: settings.credentials,
        headers: {},
        timeoutMs: tokenTimeoutMs,
        retries,
        signal: closed,
        timers,
        through: async (attempt, limit) => {
          if (!inside) await enter(AbortSignal.any([signal, limit]), end - performance.now());
          inside = true;
          requestedAt = performance.now();
          try {
            return await attempt();
          } catch (error) {
            this.#holdAfter(error);
            throw error;
          } finally {
            this.#limiter.leave();
            inside = false;
          }
        },
      });
      return { response, requestedAt };
    } finally {
      if (inside) this.#limiter.leave();
    }
  }

  #holdAfter(error: unknown): void {
    if (!(error instanceof MoovUnavailableError) || error.code !== 'ERR_MOOV_RATE_LIMITED') return;
    this.#limiter.hold(retryAfterOf(error) ?? DEFAULT_HOLD_MS);
  }
}
