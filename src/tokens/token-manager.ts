import { AsyncResource } from 'node:async_hooks';
import { closedError, MoovAuthError, timeoutError } from '../errors.js';
import type { Emit } from '../events.js';
import type { OAuthEndpoint } from '../oauth/endpoint.js';
import { requestRevocation } from '../oauth/revocation-request.js';
import type { AuthToken } from '../oauth/token-request.js';
import type { TokenStore } from '../token-store.js';
import { sharedController } from '../utils/async.js';
import { toError } from '../utils/errors.js';
import { type AbortSignalLike, Timers, withTimeout } from '../utils/timers.js';
import { MoovTokenProvider, type TokenProviderSettings } from './moov-token-provider.js';
import { abandonedError } from './renewal.js';
import { paced } from './request-pace.js';
import { ResilientTokenStore } from './resilient-token-store.js';
import { Revocations, type RevokeAtMoov } from './revocations.js';
import { SharedTokenProvider, storeKey } from './shared-token-provider.js';
import type { MoovAuthStatus } from './status.js';
import type { Token } from './token.js';
import { TokenPool } from './token-pool.js';
import type { TokenProvider } from './token-provider.js';
import { TokenSource } from './token-source.js';

const REVOKE_TIMEOUT_MS = 10_000;

/** A token that arrives late is revoked too, with at least this much time. */
const SHORTEST_FLUSH_MS = 1_000;

/** The time limit of `close()` for revocations. Together with the next it makes the documented 5 s. */
const CLOSE_REVOKE_TIMEOUT_MS = 4_500;

/**
 * How long `close()` waits for abandoned token requests, whose tokens must be revoked, and for locks to be released.
 */
const LET_GO_TIMEOUT_MS = 500;

/** How many tokens to revoke are remembered, in addition to all cached ones. */
const MOST_REMEMBERED = 10_000;

/** The options that it uses. */
export interface TokenManagerSettings extends TokenProviderSettings {
  clientId: () => Promise<string>;
  baseURL: string;
  store?: TokenStore | undefined;
  maxTokens: number;
  timeoutMs: number;
}

/**
 * Owns the tokens of one `MoovAuth` and everything behind them: sources, providers, store, limiter, revocations,
 * timers. `close()` ends all of it.
 */
export class TokenManager {
  readonly #settings: TokenManagerSettings;
  readonly #emit: Emit;
  readonly #timers = new Timers();
  readonly #moov: MoovTokenProvider;
  readonly #shared: SharedTokenProvider | undefined;
  readonly #revokeAtMoov: RevokeAtMoov;
  readonly #revocations: Revocations;
  readonly #browserRequests = new Map<AbortController, Promise<unknown>>();
  readonly #closed = sharedController();
  readonly #unwatch: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  readonly pool: TokenPool;

  /** @param startUp - The scopes of the start-up token, if there is one. */
  constructor(
    settings: TokenManagerSettings,
    endpoint: OAuthEndpoint,
    emit: Emit,
    startUp: string | undefined,
  ) {
    this.#settings = settings;
    this.#emit = emit;
    const timers = this.#timers;
    const outside = new AsyncResource('MoovAuth');
    this.#moov = new MoovTokenProvider({ settings, endpoint, emit, timers, closed: this.closed });
    this.#shared =
      settings.store &&
      new SharedTokenProvider({
        moov: this.#moov,
        store: new ResilientTokenStore(settings.store, emit, timers),
        keyOf: (scope) => storeKey(settings, scope),
        revoke: (token) => this.discard({ ...token, lifetimeMs: token.lifeMs }),
        emit,
        timers,
      });
    const provider: TokenProvider = this.#shared ?? this.#moov;
    this.#revokeAtMoov = (token, tokenTypeHint, limits) => {
      const exchange = { credentials: settings.credentials, headers: {}, retries: 1, timers, ...limits };
      return requestRevocation(endpoint, { token, tokenTypeHint }, exchange);
    };
    const most = settings.maxTokens + MOST_REMEMBERED;
    this.#revocations = new Revocations(this.#revokeAtMoov, timers, most);
    let generation = 0;
    this.pool = new TokenPool({
      make: (scope, autoRenew) =>
        new TokenSource({
          obtain: paced(provider.forScopes(scope)),
          scope,
          emit,
          revoke: (token) => this.#revocations.add(token),
          retire: (token, successor) => this.#retire(token, successor),
          nextGeneration: () => ++generation,
          outside,
          timers,
          autoRenew,
        }),
      startUp,
      maxTokens: settings.maxTokens,
      evicted: (token) => this.#retire(token),
    });
    this.#unwatch = this.#shared?.watch((key) => {
      for (const source of this.pool.all()) if (source.held?.shared?.key === key) source.drop();
    });
  }

  /** Requests the start-up token, if there is one. */
  start(): void {
    this.pool.startUp?.start();
  }

  /** Aborts at the end of `close()`, to end everything in flight. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /**
   * Requests a token for a browser. It belongs to the caller. If `signal` aborts first, the request leaves the
   * queue, or its token is revoked when it arrives.
   */
  async requestBrowserToken(scope: string, signal?: AbortSignalLike): Promise<AuthToken> {
    if (this.#closing) throw closedError();
    const gone = new AbortController();
    const leave = () => gone.abort();
    if (signal?.aborted) leave();
    signal?.addEventListener?.('abort', leave);
    const token = this.#moov.request(scope, { priority: 'browser', retries: 2, signal: gone.signal });
    this.#browserRequests.set(gone, token);
    token.catch(() => undefined).finally(() => this.#browserRequests.delete(gone));
    try {
      return await withTimeout(token, {
        ms: this.#settings.timeoutMs,
        timers: this.#timers,
        timedOut: () => timeoutError('No token within timeoutMs'),
        signal: gone.signal,
        aborted: () => (this.#closing ? closedError() : abandonedError()),
      });
    } catch (error) {
      gone.abort();
      token.then((late) => this.discard(late)).catch(() => undefined);
      throw error;
    } finally {
      signal?.removeEventListener?.('abort', leave);
    }
  }

  /** Revokes a token that nobody received, in the background. */
  discard(
    token: Pick<AuthToken, 'accessToken' | 'lifetimeMs'> & { refreshToken?: string | undefined },
  ): void {
    const { accessToken, refreshToken, lifetimeMs: leftMs } = token;
    this.#revocations.add({ accessToken, refreshToken, leftMs });
    this.#revocations.flushSoon(REVOKE_TIMEOUT_MS);
  }

  /** Revokes a token that this manager does not own. */
  revokeToken(token: string, tokenTypeHint: 'access_token' | 'refresh_token' | undefined): Promise<void> {
    const limits = { timeoutMs: REVOKE_TIMEOUT_MS, signal: this.closed };
    return this.#timers.hold(this.#revokeAtMoov(token, tokenTypeHint, limits));
  }

  /**
   * Revokes every token: first stops using them, here and in the store, then revokes them at Moov, together with those
   * that were replaced or evicted, and those of renewals in flight.
   *
   * @throws the error of the first failed revocation; {@link MoovUnavailableError} with `ERR_MOOV_TIMEOUT` when a
   * renewal in flight has not ended in time, whose token is then revoked when it arrives.
   */
  async revoke(timeoutMs = REVOKE_TIMEOUT_MS): Promise<void> {
    try {
      const tokens = await this.#revokeAll(performance.now() + timeoutMs);
      const pendingRevocations = this.#pendingRevocations;
      if (tokens > 0) this.#emit({ type: 'token.revoked', tokens, pendingRevocations });
    } catch (error) {
      const code = error instanceof MoovAuthError ? error.code : 'ERR_MOOV_NETWORK';
      const pendingRevocations = this.#pendingRevocations;
      const message = toError(error).message;
      this.#emit({ type: 'token.revokeFailed', code, message, pendingRevocations }, toError(error));
      throw error;
    }
  }

  status(): MoovAuthStatus {
    const held = this.#closing ? [] : this.pool.all().filter((source) => source.held?.isExpired === false);
    const { startUp } = this.pool;
    const token = startUp && held.includes(startUp) ? startUp.held : undefined;
    const failure = startUp?.failure;
    const { code, message } = failure?.error ?? {};
    return {
      state: this.#state(token !== undefined),
      ...(token ? { expiresAt: token.expiresAt } : {}),
      ...(failure && code && message !== undefined ? { lastError: { code, message, at: failure.at } } : {}),
      tokens: held.length,
      pendingRevocations: this.#pendingRevocations,
    };
  }

  /** Ends everything, with `revoke` also the tokens. Never rejects. Only the first call counts. */
  close(revoke: boolean): Promise<void> {
    this.#closing ??= this.#close(revoke);
    return this.#closing;
  }

  /** The number of unconfirmed revocations, and of those for which the store could not be asked. */
  get #pendingRevocations(): number {
    return this.#revocations.count + (this.#shared?.pendingRevocations ?? 0);
  }

  #state(hasToken: boolean): MoovAuthStatus['state'] {
    const { startUp } = this.pool;
    if (this.#closing) return 'closed';
    if (startUp === undefined) return 'ready';
    if (hasToken) return startUp.failure ? 'degraded' : 'ready';
    return startUp.failure ? 'failed' : 'starting';
  }

  /** A token that is replaced or evicted may be in use by calls in flight, so it is not revoked at once. */
  #retire(token: Token, successor?: Token): void {
    const refreshToken = token.refreshToken();
    this.#revocations.retire({
      accessToken: token.accessToken(),
      refreshToken: refreshToken === successor?.refreshToken() ? undefined : refreshToken,
      leftMs: token.leftMs,
    });
  }

  async #revokeAll(end: number): Promise<number> {
    const { mark } = this.#revocations;
    const wasClosed = this.closed.aborted;
    const inFlight: Promise<void>[] = [];
    const held = new Set<string>();
    const entries = this.pool.entries();
    for (const [, source] of entries) {
      const { token, renewals } = source.invalidate();
      inFlight.push(...renewals);
      if (token === undefined) continue;
      const [accessToken, refreshToken] = [token.accessToken(), token.refreshToken()];
      this.#revocations.add({ accessToken, refreshToken, leftMs: token.leftMs });
      held.add(accessToken);
    }
    this.#revocations.addRetired();
    // The store may have newer tokens than this process; they are revoked too.
    const scopes = entries.map(([scope]) => scope);
    const taken = await this.#shared?.revokeAll(scopes, end);
    for (const stored of taken?.tokens ?? []) {
      if (!held.has(stored.accessToken)) this.#revocations.add({ ...stored, leftMs: stored.lifeMs });
    }
    const revoked = await this.#flush(mark, inFlight, end, wasClosed);
    if (taken?.failure !== undefined) throw taken.failure;
    return revoked;
  }

  /** Revokes the pending tokens and, when they have ended, the tokens of renewals in flight. */
  async #flush(
    mark: number,
    inFlight: readonly Promise<void>[],
    end: number,
    wasClosed: boolean,
  ): Promise<number> {
    const flush = () => this.#revocations.flush(mark, Math.max(SHORTEST_FLUSH_MS, end - performance.now()));
    if (inFlight.length === 0) return flush();
    // Revocations that fail in the first flush are retried in the last one, which decides.
    const revoked = await flush().catch(() => 0);
    const last = Promise.all(inFlight).then(() => (this.closed.aborted && !wasClosed ? 0 : flush()));
    const late = 'A renewal is still in flight; its token will be revoked when it arrives';
    return (
      revoked +
      (await withTimeout(last, {
        ms: end - performance.now(),
        timers: this.#timers,
        timedOut: () => timeoutError(late),
      }))
    );
  }

  async #close(revoke: boolean): Promise<void> {
    // First, so that the tokens of renewals in flight are revoked too.
    const revoked = revoke ? this.revoke(CLOSE_REVOKE_TIMEOUT_MS) : undefined;
    const ended = this.pool.close();
    const orphans = [...this.#browserRequests.values()];
    for (const request of this.#browserRequests.keys()) request.abort();
    const flushed = Promise.allSettled(orphans).then(() =>
      orphans.length > 0 ? this.#revocations.flush(0, LET_GO_TIMEOUT_MS) : 0,
    );
    // The failure was reported already, and a server that shuts down cannot do anything else about it.
    await this.#within(
      revoke ? CLOSE_REVOKE_TIMEOUT_MS : LET_GO_TIMEOUT_MS,
      Promise.allSettled([revoked, flushed]),
    );
    this.#closed.abort(closedError());
    this.#revocations.abort();
    await this.#within(LET_GO_TIMEOUT_MS, ended);
    this.#unwatch?.();
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const timedOut = () => timeoutError('Still in flight');
    await withTimeout(work, { ms, timers: this.#timers, timedOut }).catch(() => undefined);
  }
}
