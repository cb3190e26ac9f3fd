import type { AsyncResource } from 'node:async_hooks';
import { closedError, MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Timers } from '../utils/timers.js';
import { RenewalCooldown } from './renewal-cooldown.js';
import { RenewalFailure } from './renewal-failure.js';
import { type ObtainedToken, type Shared, Token } from './token.js';
import type { TokenRequest } from './token-provider.js';
import type { ReplayToken, TokenSupplier } from './token-supplier.js';

/** After so many results in a row that others overtook it is a failure, so that no storm comes of it. */
const MOST_OVERTAKEN = 3;

/** Obtaining a token is up to three attempts. */
const RETRIES = 2;

type Result = { obtained: ObtainedToken | undefined; durationMs: number } | { error: unknown };

/** How a renewal ended. `undefined`: a revocation overtook it, and whoever waits asks anew. */
type Outcome = Token | RenewalFailure | undefined;

interface Renewal {
  readonly outcome: Promise<Outcome>;
  readonly controller: AbortController;
  /** Set by a revocation: the result is to be given back and never handed out. */
  invalidated: boolean;
}

/** What a token source is made of; all but `obtain` and `keepWarm` are shared by the sources of one `MoovAuth`. */
export interface TokenSourceParts {
  obtain: TokenRequest;
  emit: Emit;
  /** Gets the result of a renewal that a revocation overtook. */
  revoke: (token: ObtainedToken) => void;
  /** The asynchronous context in which renewals run. */
  outside: AsyncResource;
  timers: Timers;
  /** Whether timers renew the token, and probe for one, while nobody asks for it. */
  autoRenew: boolean;
}

/**
 * The token of one set of scopes, and the only place where it is renewed.
 *
 * Whoever finds it missing, ageing or refused joins the one renewal in flight. A renewal has a time limit and a
 * signal of its own, and runs outside the asynchronous context of the call that began it.
 */
export class TokenSource implements TokenSupplier {
  readonly #obtainToken: TokenRequest;
  readonly #emit: Emit;
  readonly #giveBack: (token: ObtainedToken) => void;
  readonly #outside: AsyncResource;
  readonly #timers: Timers;
  readonly #keepWarm: boolean;
  readonly #pause = new RenewalCooldown();
  #token: Token | undefined;
  #known: Shared | undefined;
  /** How often in a row what was obtained could not be stored, as others were faster. */
  #overtaken = 0;
  #generation = 0;
  #renewal: Renewal | undefined;
  #failure: RenewalFailure | undefined;
  #clearTimer: () => void = () => undefined;
  #nextOutcome: PromiseWithResolver<Outcome> | undefined;
  #closed = false;

  constructor({ obtain, emit, revoke: giveBack, outside, timers, autoRenew: keepWarm }: TokenSourceParts) {
    this.#obtainToken = obtain;
    this.#emit = emit;
    this.#giveBack = giveBack;
    this.#outside = outside;
    this.#timers = timers;
    this.#keepWarm = keepWarm;
  }

  /** The token held, whatever its age. */
  get held(): Token | undefined {
    return this.#token;
  }

  get failure(): RenewalFailure | undefined {
    return this.#failure;
  }

  /** Begins to obtain a token without waiting for it. */
  start(): void {
    if (this.#usable === undefined) this.#join();
  }

  /**
   * The token for a call: at once when one is held, and then renewed in the background if it is ageing.
   *
   * @returns the token, or a promise of it that rejects with {@link MoovTokenError} or
   * {@link MoovUnavailableError} when none can be had.
   */
  get(): Token | Promise<Token> {
    const token = this.#usable;
    if (token === undefined) return this.#timers.hold(this.#wait());
    if (token.shouldRenew && this.#renewal === undefined && this.#mayProbe) this.#join();
    return token;
  }

  /**
   * After a 401: the token to replay with, or `undefined` when a new one would not help.
   *
   * @param generation - Of the token that was refused. If another is held by now, that one is it.
   */
  tokenAfter401(generation: number): ReplayToken | undefined {
    const token = this.#usable;
    if (token !== undefined && token.generation !== generation) return { kind: 'new', token };
    // Without a token there is nothing that a pause could spare.
    if (token !== undefined && this.#renewal === undefined && !this.#pause.allowsRenewal) return undefined;
    return { kind: 'new', token: this.#timers.hold(this.#wait()) };
  }

  /** A call with the token of this generation was answered with something other than 401. */
  accepted(generation: number): void {
    if (generation === this.#token?.generation) this.#pause.accepted();
  }

  /** A replay with the token of this generation was answered with 401 again. */
  stillUnauthorized(generation: number): void {
    if (generation === this.#token?.generation) this.#pause.stillUnauthorized(generation);
  }

  /** Obtains a new token now, whatever the state; joins the renewal in flight. Rejects as {@link get} does. */
  renew(): Promise<Token> {
    if (this.#closed) return Promise.reject(closedError());
    return this.#timers.hold(this.#settle(this.#join()));
  }

  /** Resolves when a usable token is held, else with the next outcome: rejects as {@link get} does. */
  async ready(): Promise<void> {
    if (this.#closed) throw closedError();
    if (this.#usable !== undefined) return;
    if (this.#failure === undefined) this.#join();
    this.#nextOutcome ??= promiseWithResolver();
    const outcome = await this.#timers.hold(this.#nextOutcome.promise);
    if (outcome instanceof RenewalFailure) throw this.#closed ? closedError() : outcome.toError();
    if (outcome === undefined) await this.ready();
  }

  /**
   * Takes the token out of service, and the one that may be on its way.
   *
   * @returns the token that was held; and when a renewal was in flight, a promise that resolves when it has ended.
   */
  invalidate(): { token: Token | undefined; renewal: Promise<unknown> | undefined } {
    const token = this.#token;
    this.#token = undefined;
    const renewal = this.#renewal;
    this.#renewal = undefined;
    if (renewal !== undefined) renewal.invalidated = true;
    this.#failure = undefined;
    this.#clearTimer();
    if (renewal === undefined) this.#tellNext(undefined);
    return { token, renewal: renewal && this.#timers.hold(renewal.outcome) };
  }

  /**
   * Drops the token, which was revoked elsewhere and is out of the store; the next call obtains another. Should the
   * word of the revocation have come late, after that token's successor, the store still has the successor.
   */
  drop(): void {
    this.#token = undefined;
    this.#known = undefined;
    this.#clearTimer();
    // Whoever awaits the next outcome has no other.
    if (this.#failure !== undefined) this.#schedule(this.#failure.retryInMs);
  }

  /**
   * Ends everything in flight. Later calls reject with `ERR_MOOV_CLOSED`.
   *
   * @returns a promise that resolves when the renewal in flight has let go of its lock.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#clearTimer();
    this.#renewal?.controller.abort();
    this.#nextOutcome?.resolve(new RenewalFailure(closedError(), undefined));
    await this.#renewal?.outcome;
  }

  get #usable(): Token | undefined {
    const token = this.#token;
    return token === undefined || token.isExpired || this.#closed ? undefined : token;
  }

  get #mayProbe(): boolean {
    return this.#failure === undefined || this.#failure.retryInMs === 0;
  }

  /** A new token for a caller who has none that serves him: from the renewal in flight, or why not. */
  async #wait(): Promise<Token> {
    if (this.#closed) throw closedError();
    // Once the failure is known nobody queues up behind a probe: whoever may begin one waits, the others are told.
    if (this.#failure !== undefined && (this.#renewal !== undefined || !this.#mayProbe))
      throw this.#failure.toError();
    return this.#settle(this.#join());
  }

  async #settle(renewal: Renewal): Promise<Token> {
    const outcome = await renewal.outcome;
    if (outcome instanceof Token) return outcome;
    if (outcome instanceof RenewalFailure) throw this.#closed ? closedError() : outcome.toError();
    return this.#wait();
  }

  /** The one renewal: the one in flight, or a new one. Its outcome never rejects. */
  #join(): Renewal {
    if (this.#renewal !== undefined) return this.#renewal;
    this.#clearTimer();
    const controller = new AbortController();
    const renewal: Renewal = {
      controller,
      invalidated: false,
      outcome: this.#outside.runInAsyncScope(async () => {
        const result = await this.#obtain(controller.signal);
        return this.#conclude(renewal, result);
      }),
    };
    this.#renewal = renewal;
    return renewal;
  }

  async #obtain(signal: AbortSignal): Promise<Result> {
    const began = performance.now();
    try {
      const retries = this.#failure === undefined ? RETRIES : 0;
      const obtained = await this.#obtainToken({
        held: this.#token,
        known: this.#known,
        retries,
        signal,
        timers: this.#timers,
      });
      return { obtained, durationMs: performance.now() - began };
    } catch (error) {
      return { error };
    }
  }

  #conclude(renewal: Renewal, result: Result): Outcome {
    let outcome: Outcome;
    if (renewal.invalidated) {
      // What others use too is theirs to give back: whoever revoked it has taken it out of the store.
      if ('obtained' in result && result.obtained?.from === 'moov') this.#giveBack(result.obtained);
    } else {
      this.#renewal = undefined;
      outcome =
        'error' in result ? this.#fail(result.error) : this.#install(result.obtained, result.durationMs);
    }
    this.#tellNext(outcome);
    return outcome;
  }

  #tellNext(outcome: Outcome): void {
    this.#nextOutcome?.resolve(outcome);
    this.#nextOutcome = undefined;
  }

  #install(obtained: ObtainedToken | undefined, durationMs: number): Outcome {
    if (obtained === undefined) {
      if (++this.#overtaken >= MOST_OVERTAKEN) return this.#fail(supersededError());
      if (this.#token !== undefined) this.#schedule(0);
      return undefined;
    }
    this.#overtaken = 0;
    const renewed = this.#generation > 0;
    const token = new Token(obtained, ++this.#generation);
    this.#token = token;
    this.#known = obtained.shared;
    this.#failure = undefined;
    this.#schedule(token.renewInMs);
    const type = obtained.from === 'store' ? 'token.taken' : renewed ? 'token.renewed' : 'token.obtained';
    this.#emit({ type, expiresAt: token.expiresAt, durationMs });
    return token;
  }

  #fail(error: unknown): RenewalFailure {
    if (this.#closed) return new RenewalFailure(closedError(), undefined);
    const failure = new RenewalFailure(error, this.#failure);
    this.#failure = failure;
    this.#schedule(failure.retryInMs);
    const { code, message } = failure.error;
    const tokenHeld = this.#usable !== undefined;
    this.#emit({ type: 'token.failed', code, message, tokenHeld, retryInMs: failure.retryInMs });
    return failure;
  }

  #schedule(ms: number): void {
    this.#clearTimer();
    if (this.#closed || !this.#keepWarm) return;
    this.#clearTimer = this.#outside.runInAsyncScope(() => this.#timers.after(ms, () => this.#join()));
  }
}

/** What a renewal fails with when its results were superseded again and again. */
function supersededError(): MoovUnavailableError {
  return new MoovUnavailableError(
    'Gave up: every new token was superseded by a revocation or by another process',
    {
      code: 'ERR_MOOV_ANOTHER_FAILED',
    },
  );
}

/** A promise that is resolved from outside. */
interface PromiseWithResolver<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
}

function promiseWithResolver<T>(): PromiseWithResolver<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
