import { closedError } from '../errors.js';
import type { Emit } from '../events.js';
import { describeScopes } from '../scopes/scopes.js';
import { type Deferred, deferred } from '../utils/async.js';
import type { AbortSignalLike } from '../utils/timers.js';
import { abandonedError, type Outcome, Renewal } from './renewal.js';
import { RenewalCooldown } from './renewal-cooldown.js';
import { RenewalFailure, supersededError } from './renewal-failure.js';
import { RenewalTimer, type RenewalTimerParts } from './renewal-timer.js';
import { REQUEST_INTERVAL_MS } from './request-pace.js';
import { type ObtainedToken, type Shared, Token } from './token.js';
import type { TokenRequest } from './token-provider.js';
import type { ReplayToken, TokenSupplier } from './token-supplier.js';

/** After this many superseded results in a row the renewal fails, so that it does not repeat endlessly. */
const MOST_OVERTAKEN = 3;

/** A token request has up to three attempts. */
const RETRIES = 2;

/** The parts of a token source. All except `obtain`, `scope` and `autoRenew` are shared by the sources of one `MoovAuth`. */
export interface TokenSourceParts extends RenewalTimerParts {
  obtain: TokenRequest;
  /** The scopes that it requests, space-delimited. */
  scope: string;
  emit: Emit;
  /** Receives the result of a renewal that a revocation overtook. */
  revoke: (token: ObtainedToken) => void;
  /** Receives a token that was replaced by another. */
  retire: (token: Token, successor: Token) => void;
  /** Numbers the tokens of all sources, so that a call can identify its token without keeping it. */
  nextGeneration: () => number;
}

type Result = { obtained: ObtainedToken | undefined; durationMs: number } | { error: unknown };

/**
 * The token of one set of scopes, and the only place where it is renewed.
 *
 * A call that finds the token missing, due for renewal or refused joins the one renewal in flight, which runs outside
 * the asynchronous context of the call that started it.
 */
export class TokenSource implements TokenSupplier {
  readonly #parts: TokenSourceParts;
  readonly #cooldown = new RenewalCooldown();
  #token: Token | undefined;
  #known: Shared | undefined;
  #hadToken = false;
  /** How many results in a row were superseded by another process. */
  #overtaken = 0;
  #renewal: Renewal | undefined;
  /** Unfinished renewals that a revocation overtook. */
  readonly #invalidated = new Set<Renewal>();
  #failure: RenewalFailure | undefined;
  readonly #timer: RenewalTimer;
  #nextOutcome: Deferred<Outcome> | undefined;
  /** Callers that wait for a token. */
  #waiting = 0;
  #whenIdle: (() => void) | undefined;
  #closed = false;

  constructor(parts: TokenSourceParts) {
    this.#parts = parts;
    this.#timer = new RenewalTimer(parts, () => this.#renewInBackground());
  }

  /** Whatever its age. */
  get held(): Token | undefined {
    return this.#token;
  }

  get failure(): RenewalFailure | undefined {
    return this.#failure;
  }

  start(): void {
    if (this.#usable === undefined) this.#renewInBackground();
  }

  /** A token that is due for renewal is returned too, and renewed in the background. */
  get(signal?: AbortSignalLike): Token | Promise<Token> {
    const token = this.#usable;
    if (token === undefined) return this.#wait(signal);
    if (token.shouldRenew && this.#renewal === undefined && this.#mayRetry) this.#renewInBackground();
    return token;
  }

  tokenAfter401(generation: number, signal?: AbortSignalLike): ReplayToken | undefined {
    const token = this.#usable;
    if (token !== undefined && token.generation !== generation) return { kind: 'new', token };
    // Without a token, a pause would save nothing.
    if (token !== undefined && this.#renewal === undefined && !this.#cooldown.allowsRenewal)
      return this.#cooldown.isKnownGood(generation) ? { kind: 'held', token } : undefined;
    return { kind: 'new', token: this.#wait(signal) };
  }

  accepted(generation: number): void {
    if (generation === this.#token?.generation) this.#cooldown.accepted(generation);
  }

  stillUnauthorized(generation: number): void {
    if (generation === this.#token?.generation) this.#cooldown.stillUnauthorized(generation);
  }

  /** Requests a new token in any state, or joins the renewal in flight. Rejects as {@link get} does. */
  renew(): Promise<Token> {
    if (this.#closed) return Promise.reject(closedError());
    return this.#counted(this.#settle(this.#begin(), undefined));
  }

  /** Resolves when there is a usable token. Otherwise waits for the next outcome, and rejects as {@link get} does. */
  async ready(): Promise<void> {
    for (;;) {
      if (this.#closed) throw closedError();
      if (this.#usable !== undefined) return;
      if (this.#failure === undefined) this.#renewInBackground();
      this.#nextOutcome ??= deferred();
      const outcome = await this.#parts.timers.hold(this.#nextOutcome.promise);
      if (outcome instanceof Token) return;
      if (outcome instanceof RenewalFailure) throw this.#closed ? closedError() : outcome.toError();
    }
  }

  /**
   * Stops using the token, and those of renewals in flight.
   *
   * @returns the token, and promises that resolve when the renewals in flight have ended.
   */
  invalidate(): { token: Token | undefined; renewals: Promise<void>[] } {
    const token = this.#token;
    this.#token = undefined;
    this.#failure = undefined;
    this.#timer.clear();
    const renewal = this.#renewal;
    this.#renewal = undefined;
    if (renewal === undefined) {
      this.#resolveNext(undefined);
    } else {
      this.#invalidated.add(renewal);
      renewal.invalidate();
    }
    return { token, renewals: [...this.#invalidated].map(({ ended }) => this.#parts.timers.hold(ended)) };
  }

  /**
   * Drops the token, which another process revoked and removed from the store. The next call requests another. If the
   * notification arrives late, after a successor of that token, the store still has the successor.
   */
  drop(): void {
    this.#token = undefined;
    this.#known = undefined;
    this.#timer.clear();
    // `ready()` may be waiting for this timer.
    if (this.#failure !== undefined) this.#timer.set(this.#failure.retryInMs);
  }

  /** Cancels what only the source itself waits for, and calls back once when nothing waits or is in flight. */
  leave(whenIdle: () => void): void {
    this.#whenIdle = whenIdle;
    this.#renewal?.disown();
    this.#checkIdle();
  }

  /** Undoes {@link leave}. */
  stay(): void {
    this.#whenIdle = undefined;
  }

  /**
   * Ends all waits. Later calls reject with `ERR_MOOV_CLOSED`.
   *
   * @returns a promise that resolves when the renewals in flight have ended and released their locks.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer.stop();
    this.#renewal?.cancel();
    this.#resolveNext(new RenewalFailure(closedError(), undefined));
    await Promise.all([this.#renewal?.ended, ...[...this.#invalidated].map(({ ended }) => ended)]);
  }

  get #usable(): Token | undefined {
    const token = this.#token;
    return token === undefined || token.isExpired || this.#closed ? undefined : token;
  }

  get #mayRetry(): boolean {
    return this.#failure === undefined || this.#failure.retryInMs === 0;
  }

  /** Waits for the renewal in flight, or starts one. Rejects with the reason if there is no token. */
  #wait(signal: AbortSignalLike | undefined): Promise<Token> {
    if (this.#closed) return Promise.reject(closedError());
    if (signal?.aborted) return Promise.reject(abandonedError());
    // After a failure, calls do not wait for a retry. Only the call that starts the retry waits for it.
    if (this.#failure !== undefined && (this.#renewal !== undefined || !this.#mayRetry))
      return Promise.reject(this.#failure.toError());
    return this.#counted(this.#settle(this.#begin(), signal));
  }

  async #settle(renewal: Renewal, signal: AbortSignalLike | undefined): Promise<Token> {
    const outcome = await renewal.wait(signal);
    if (this.#closed) throw closedError();
    if (outcome instanceof Token) return outcome;
    if (outcome instanceof RenewalFailure) throw outcome.toError();
    return this.#wait(signal);
  }

  async #counted(token: Promise<Token>): Promise<Token> {
    this.#waiting++;
    try {
      return await this.#parts.timers.hold(token);
    } finally {
      this.#waiting--;
      this.#checkIdle();
    }
  }

  #checkIdle(): void {
    if (this.#waiting > 0 || this.#renewal !== undefined || this.#invalidated.size > 0) return;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }

  #renewInBackground(): void {
    this.#begin().own();
  }

  /** Returns the renewal in flight, or starts one. */
  #begin(): Renewal {
    if (this.#renewal !== undefined) return this.#renewal;
    this.#timer.clear();
    const { outside } = this.#parts;
    this.#renewal = new Renewal((renewal) =>
      outside.runInAsyncScope(async () => this.#conclude(renewal, await this.#obtain(renewal.signal))),
    );
    return this.#renewal;
  }

  async #obtain(signal: AbortSignal): Promise<Result> {
    const { obtain, timers, autoRenew } = this.#parts;
    try {
      const began = performance.now();
      const obtained = await obtain({
        held: this.#token,
        known: this.#known,
        priority: autoRenew || this.#token !== undefined ? 'renewal' : 'account',
        retries: this.#failure === undefined ? RETRIES : 0,
        signal,
        timers,
      });
      return { obtained, durationMs: performance.now() - began };
    } catch (error) {
      return { error };
    }
  }

  #conclude(renewal: Renewal, result: Result): Outcome {
    let outcome: Outcome;
    if (renewal.isInvalidated) {
      this.#invalidated.delete(renewal);
      // A shared token is revoked by the process that removed it from the store.
      if ('obtained' in result && result.obtained?.from === 'moov') this.#parts.revoke(result.obtained);
    } else {
      this.#renewal = undefined;
      if ('obtained' in result) outcome = this.#install(result.obtained, result.durationMs);
      else if (renewal.signal.aborted && !this.#closed) this.#reschedule(renewal.isOwned);
      else outcome = this.#fail(result.error);
    }
    this.#resolveNext(outcome);
    this.#checkIdle();
    return outcome;
  }

  #resolveNext(outcome: Outcome): void {
    this.#nextOutcome?.resolve(outcome);
    this.#nextOutcome = undefined;
  }

  #install(obtained: ObtainedToken | undefined, durationMs: number): Outcome {
    if (obtained === undefined) {
      if (++this.#overtaken >= MOST_OVERTAKEN) return this.#fail(supersededError());
      if (this.#token !== undefined) this.#timer.set(0);
      return undefined;
    }
    const { emit, nextGeneration, retire, scope } = this.#parts;
    this.#overtaken = 0;
    // Without a word Moov has granted what was asked for (RFC 6749 section 5.1).
    const granted = obtained.scope ?? scope;
    const token = new Token({ ...obtained, scope: granted }, nextGeneration());
    if (this.#token !== undefined) retire(this.#token, token);
    this.#token = token;
    this.#known = obtained.shared;
    this.#failure = undefined;
    this.#timer.set(Math.max(REQUEST_INTERVAL_MS, token.renewInMs));
    const renewed = this.#hadToken ? 'token.renewed' : 'token.obtained';
    this.#hadToken = true;
    const type = obtained.from === 'store' ? 'token.taken' : renewed;
    emit({ type, ...describeScopes(granted), expiresAt: token.expiresAt, durationMs });
    return token;
  }

  #fail(error: unknown): RenewalFailure {
    if (this.#closed) return new RenewalFailure(closedError(), undefined);
    const failure = new RenewalFailure(error, this.#failure);
    this.#failure = failure;
    this.#timer.set(failure.retryInMs);
    const { emit, scope } = this.#parts;
    const { error: reason, retryInMs } = failure;
    const { code, message } = reason;
    const tokenHeld = this.#usable !== undefined;
    emit({ type: 'token.failed', code, message, ...describeScopes(scope), tokenHeld, retryInMs }, reason);
    return failure;
  }

  /** After a cancelled renewal: sets the timer again, or renews at once if the source waits for it by now. */
  #reschedule(isOwned: boolean): void {
    const waitMs = this.#failure?.retryInMs ?? this.#token?.untilRenewalMs;
    if (isOwned) this.#timer.set(0);
    else if (waitMs !== undefined) this.#timer.set(waitMs);
  }
}
