import { randomBytes, randomUUID } from 'node:crypto';
import type { Settings } from '../options.js';

interface AccessToken {
  readonly token: string;
  readonly scopes: ReadonlySet<string>;
  /** On the wall clock, in milliseconds. */
  readonly expiresAt: number;
}

/** The response of the token endpoint (RFC 6749 section 5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
}

/** Every token that is still good for something. One that ended is forgotten. */
export class Tokens {
  readonly #settings: Settings;
  readonly #access = new Map<string, AccessToken>();
  /** Refresh tokens, with the scopes they stand for. */
  readonly #refresh = new Map<string, readonly string[]>();
  readonly #applicationID = randomUUID();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * @param scopes - What the access token allows.
   * @param granted - What its refresh token stands for: RFC 6749 section 6 keeps the scope of the original grant.
   */
  issue(scopes: readonly string[], granted: readonly string[] = scopes): TokenResponse {
    const { tokenLifeSeconds, expiresIn, opaqueTokens, refreshTokens } = this.#settings;
    const now = Date.now();
    const exp = Math.floor(now / 1000) + tokenLifeSeconds;
    const token = opaqueTokens ? randomString() : this.#jwt(scopes, exp);
    // To the millisecond, so that no token ends before the seconds it was promised are over.
    this.#access.set(token, { token, scopes: new Set(scopes), expiresAt: now + tokenLifeSeconds * 1000 });
    const response: TokenResponse = {
      access_token: token,
      token_type: 'Bearer',
      expires_in: expiresIn === 'timestamp' ? exp : tokenLifeSeconds,
      scope: scopes.join(' '),
    };
    if (!refreshTokens) return response;
    const refresh = randomString();
    this.#refresh.set(refresh, granted);
    return { ...response, refresh_token: refresh };
  }

  /** The access tokens that have not expired and were not revoked. */
  get valid(): readonly AccessToken[] {
    return [...this.#access.values()].filter(({ expiresAt }) => Date.now() < expiresAt);
  }

  /** @returns the scopes of a refresh token, or `undefined` if it is unknown, used or revoked. */
  refreshable(token: string): readonly string[] | undefined {
    return this.#refresh.get(token);
  }

  /** @returns the scopes of an access token, or `undefined` if it is unknown, expired or revoked. */
  scopesOf(token: string): ReadonlySet<string> | undefined {
    const found = this.#access.get(token);
    return found !== undefined && Date.now() < found.expiresAt ? found.scopes : undefined;
  }

  /** Ends one token of either kind, and no other. @returns whether it was valid until now. */
  revoke(token: string): boolean {
    const valid = this.scopesOf(token) !== undefined;
    this.#access.delete(token);
    return this.#refresh.delete(token) || valid;
  }

  expireAccessTokens(): void {
    this.#access.clear();
  }

  revokeAll(): void {
    this.#access.clear();
    this.#refresh.clear();
  }

  /** In the form of Moov's tokens. The signature is random: only Moov can verify one. */
  #jwt(scopes: readonly string[], exp: number): string {
    const claims = {
      scp: scopes,
      aud: this.#settings.origins.map((origin) => new URL(origin).host),
      caid: this.#settings.platformAccountID,
      aid: this.#applicationID,
      iat: exp - this.#settings.tokenLifeSeconds,
      exp,
      jti: randomUUID(),
    };
    return [encode({ alg: 'ES256', typ: 'JWT' }), encode(claims), randomBytes(64).toString('base64url')].join(
      '.',
    );
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function randomString(): string {
  return randomBytes(32).toString('base64url');
}
