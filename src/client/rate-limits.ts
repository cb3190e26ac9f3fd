import { closedError, MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Transport } from '../transports/transport.js';
import { retryAfterHeader } from '../utils/retry-after.js';
import { Lane, type LaneTurn, type LimitedCall, type WaitingTurn } from './lane.js';
import { OwnLimits } from './own-limits.js';
import { RateLimiter } from './rate-limiter.js';
import { RecentCalls } from './recent-calls.js';

/** How many calls may wait. */
const MOST_WAITING = 10_000;

/** 429s of two accounts within so long are of a limit that they share. */
const SHARED_WITHIN_MS = 1_000;

/** The option `rateLimit`, apart from `false`. */
export type RateLimitSetting = 'adaptive' | { readonly requestsPerSecond: number };

/** A call as the limits see it. */
export interface AccountCall extends LimitedCall {
  /** The account that Moov counts it for; empty when there is none. */
  readonly account: string;
  /** Of the last response. */
  readonly requestId: string | undefined;
}

/** A turn that is waited for. */
export interface TurnAhead {
  /** Resolves with none when the limit is no more. */
  readonly turn: Promise<LaneTurn | undefined>;
  /** Takes the call out of the queue; its wait ends with the error. */
  readonly leave: (error: unknown) => void;
}

/** The rate limits that one `MoovAuth` has met: for each account, for all of them, and for paths that have their own. */
export class RateLimits {
  readonly #emit: Emit;
  readonly #recent = new RecentCalls();
  readonly #accounts = new Map<string, Lane>();
  readonly #own = new OwnLimits();
  /** Holds all calls; then there are none for accounts. */
  #all: Lane | undefined;
  #lastRefusal: { account: string; at: number } | undefined;
  /** Whether any limit is known. Calls ask this first, and nothing more when there is none. */
  isActive = false;
  #isClosed = false;
  #places = 0;

  constructor(setting: RateLimitSetting, emit: Emit) {
    this.#emit = emit;
    if (setting === 'adaptive') return;
    const limiter = new RateLimiter(performance.now(), [], setting.requestsPerSecond);
    this.#all = new Lane({ limiter, emit, scope: {} });
    this.isActive = true;
  }

  /** The place of the next call. */
  nextPlace(): number {
    return ++this.#places;
  }

  /** What `status()` shows: nothing while no limit is known. */
  get status(): { requestsPerSecond: number; waiting: number; background: number } | undefined {
    const lanes = this.#lanes();
    if (lanes.length === 0) return undefined;
    return {
      requestsPerSecond: Math.floor(Math.min(...lanes.map(({ rate }) => rate))),
      waiting: sum(lanes.map(({ waiting }) => waiting)),
      background: sum(lanes.map(({ waitingInBackground }) => waitingInBackground)),
    };
  }

  /** The turn of a call: at once, or when it comes; `undefined` for a call that no limit holds. */
  turn(call: AccountCall): LaneTurn | TurnAhead | undefined {
    const lane = this.#laneOf(call);
    if (lane === undefined) return undefined;
    return lane.try(call.isBackground) ?? this.#wait(lane, call);
  }

  /** A call was answered with something other than 429. */
  passed(call: AccountCall, turn: LaneTurn | undefined): void {
    const { path } = call.request;
    this.#recent.add(performance.now(), call.account, path);
    if (!this.isActive) return;
    const lane = this.#laneFor(call, turn);
    if (lane === undefined) return;
    this.#own.passed(path, lane);
    lane.passed(turn?.lane === lane ? turn.turn : undefined);
  }

  /** A call ended without a response. */
  lost(turn: LaneTurn): void {
    turn.lane.lost(turn.turn);
  }

  /** Counts the requests of a transport that are no calls, such as those for tokens. */
  counting(send: Transport): Transport {
    return (...request) => {
      const end = this.#all?.count();
      const response = send(...request);
      return end === undefined ? response : response.finally(end);
    };
  }

  /**
   * A call was answered with 429. It is to ask for its next turn, which may be another lane's.
   *
   * @param isAgain - Whether the call was refused before.
   * @returns whether it may: not after `close()`.
   */
  refused(
    call: AccountCall,
    waitMs: number | undefined,
    turn: LaneTurn | undefined,
    isAgain: boolean,
  ): boolean {
    if (this.#isClosed) return false;
    this.#learn(call, waitMs, turn, isAgain);
    return true;
  }

  /** Ends all waits. */
  close(): void {
    this.#isClosed = true;
    const waiting = this.#lanes().flatMap((lane) => lane.end());
    this.#accounts.clear();
    this.#own.clear();
    this.#all = undefined;
    this.isActive = false;
    for (const { fail } of waiting) fail(closedError());
  }

  #learn(call: AccountCall, waitMs: number | undefined, turn: LaneTurn | undefined, isAgain: boolean): void {
    const { account, request } = call;
    const lane = this.#laneFor(call, turn) ?? this.#open(account);
    const isOwnLane = this.#own.has(lane);
    if (isAgain && !isOwnLane && !lane.isTrying && this.#own.isOwn(request.path, lane)) {
      const own = this.#openOwn(request.path);
      if (own !== undefined) {
        if (turn !== undefined) this.lost(turn);
        own.refused(waitMs, undefined);
        // The others were held for nothing.
        if (this.#own.areAllOwn(lane)) lane.clear();
        return;
      }
    }
    const now = performance.now();
    if (lane.refused(waitMs, turn?.lane === lane ? turn.turn : undefined)) {
      this.#own.beginRound(lane, this.#recent.since(now, lane === this.#all ? undefined : account).paths);
    }
    this.#own.refused(request.path, lane);
    if (this.#all !== undefined || isOwnLane) return;
    const last = this.#lastRefusal;
    this.#lastRefusal = { account, at: now };
    if (last !== undefined && last.account !== account && now - last.at < SHARED_WITHIN_MS)
      this.#holdAll(waitMs);
  }

  #lanes(): Lane[] {
    return [...(this.#all === undefined ? [] : [this.#all]), ...this.#accounts.values(), ...this.#own.lanes];
  }

  #laneOf({ account, request }: AccountCall): Lane | undefined {
    return this.#own.lane(request.path) ?? this.#all ?? this.#accounts.get(account);
  }

  /** The lane in which a call had its turn, or else the one that it would have now. */
  #laneFor(call: AccountCall, turn: LaneTurn | undefined): Lane | undefined {
    return turn === undefined || turn.lane.isOver ? this.#laneOf(call) : turn.lane;
  }

  #wait(lane: Lane, call: AccountCall): TurnAhead {
    let waiting: WaitingTurn | undefined;
    const turn = new Promise<LaneTurn | undefined>((go, fail) => {
      if (sum(this.#lanes().map((one) => one.waiting)) >= MOST_WAITING) {
        fail(tooMany((MOST_WAITING / lane.rate) * 1000));
        return;
      }
      waiting = { place: call.place, endsAt: call.endsAt, call, go, fail, leave: undefined };
      lane.wait(waiting);
    });
    return {
      turn,
      leave: (error) => {
        waiting?.leave?.();
        waiting?.fail(error);
      },
    };
  }

  #open(account: string): Lane {
    const now = performance.now();
    const lane = new Lane({
      limiter: new RateLimiter(now, this.#recent.since(now, account).times),
      emit: this.#emit,
      scope: account === '' ? {} : { accountID: account },
      cleared: () => this.#clear(lane, () => this.#accounts.delete(account)),
    });
    this.#accounts.set(account, lane);
    this.isActive = true;
    return lane;
  }

  #openOwn(path: string): Lane | undefined {
    const lane = new Lane({
      limiter: new RateLimiter(performance.now()),
      emit: this.#emit,
      scope: { path },
      cleared: () => this.#clear(lane, () => this.#own.delete(path)),
    });
    return this.#own.add(path, lane) ? lane : undefined;
  }

  /** Two accounts were refused, so the limit is not that of one. */
  #holdAll(waitMs: number | undefined): void {
    const now = performance.now();
    const { times, paths } = this.#recent.since(now);
    const all = new Lane({
      limiter: new RateLimiter(now, times),
      emit: this.#emit,
      scope: {},
      cleared: () =>
        this.#clear(all, () => {
          this.#all = undefined;
        }),
    });
    this.#all = all;
    const waiting = [...this.#accounts.values()].flatMap((lane) => lane.end());
    this.#accounts.clear();
    all.refused(waitMs, undefined);
    this.#own.beginRound(all, paths);
    for (const one of waiting) all.wait(one);
  }

  #clear(lane: Lane, remove: () => void): void {
    const waiting = lane.end();
    remove();
    this.isActive = this.#lanes().length > 0;
    for (const { go } of waiting) go(undefined);
    this.#emit({ type: 'rateLimit.cleared', ...lane.scope });
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function tooMany(waitMs: number): MoovUnavailableError {
  return new MoovUnavailableError(`${MOST_WAITING} calls are waiting for Moov's rate limit already`, {
    code: 'ERR_MOOV_RATE_LIMITED',
    headers: retryAfterHeader(waitMs),
  });
}
