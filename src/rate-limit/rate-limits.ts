import { closedError, type MoovUnavailableError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Transport } from '../transports/transport.js';
import { CallQueue, type CallTurn, rateLimited } from './call-queue.js';
import { RateLimiter } from './rate-limiter.js';
import { RecentCalls } from './recent-calls.js';
import type { LimitedCall } from './waiting-calls.js';

/** How many calls may wait. */
const MOST_WAITING = 10_000;

/** When two accounts get 429s within this time, they share a limit. */
const SHARED_WITHIN_MS = 1_000;

/** How many paths may have limits of their own. */
const MOST_OWN = 1_000;

/** The option `rateLimit`, apart from `false`. */
export type RateLimitSetting = 'adaptive' | { readonly requestsPerSecond: number };

/** A call as the limits see it. */
export interface AccountCall extends LimitedCall {
  /** The account that Moov counts it for; empty when there is none. */
  readonly account: string;
}

/** The rate limits that one `MoovAuth` has met: for each account or for all of them, and for paths that have their own. */
export class RateLimits {
  readonly #emit: Emit;
  readonly #recent = new RecentCalls();
  readonly #accounts = new Map<string, CallQueue>();
  readonly #paths = new Map<string, CallQueue>();
  /** Holds all calls; then there are none for accounts. */
  #all: CallQueue | undefined;
  #lastRefusal: { account: string; at: number } | undefined;
  /** Whether any limit is known. Calls ask this first, and nothing more when there is none. */
  isActive = false;
  #isClosed = false;
  #places = 0;

  constructor(setting: RateLimitSetting, emit: Emit) {
    this.#emit = emit;
    if (setting === 'adaptive') return;
    const limiter = new RateLimiter(performance.now(), [], setting.requestsPerSecond);
    this.#all = new CallQueue({ limiter, emit, scope: {} });
    this.isActive = true;
  }

  /** The place of the next call. */
  nextPlace(): number {
    return ++this.#places;
  }

  /** What `status()` shows: nothing while no limit is known. */
  get status(): { requestsPerSecond: number; waiting: number; background: number } | undefined {
    const queues = this.#queues();
    if (queues.length === 0) return undefined;
    // A path with a limit of its own says nothing of the others, unless there are only such paths.
    const ofAccounts = queues.filter(({ scope }) => scope.path === undefined);
    const shown = ofAccounts.length > 0 ? ofAccounts : queues;
    return {
      requestsPerSecond: Math.floor(Math.min(...shown.map(({ rate }) => rate))),
      waiting: sum(queues.map(({ waiting }) => waiting)),
      background: sum(queues.map(({ waitingInBackground }) => waitingInBackground)),
    };
  }

  /**
   * The turn of a call: at once, or when it comes; `undefined` for a call that no limit holds.
   *
   * @throws {@link MoovUnavailableError} with `ERR_MOOV_RATE_LIMITED`, by the promise, as soon as the turn can't come
   * before the call ends.
   */
  turn(call: AccountCall): CallTurn | undefined | Promise<CallTurn | undefined> {
    const queue = this.#queueOf(call);
    if (queue === undefined) return undefined;
    return queue.try(call.isBackground) ?? this.#wait(queue, call);
  }

  /** Ends the wait of a call with an error. */
  leave(call: AccountCall, error: unknown): void {
    for (const queue of this.#queues()) queue.leave(call, error);
  }

  /** A call was answered with something other than 429. */
  passed(call: AccountCall, turn: CallTurn | undefined): void {
    const { path } = call.request;
    this.#recent.add(performance.now(), call.account, path);
    if (!this.isActive) return;
    const queue = this.#queueNow(call, turn);
    queue?.passed(path, turnIn(queue, turn));
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
   * A call was answered with 429. It is to ask for its next turn, which may be that of another queue.
   *
   * @param waitMs - What the response asks for.
   * @param refusedIn - The queue in which the call was refused before.
   * @returns the queue in which it was refused now; none after `close()`, when it may not ask again.
   */
  refused(
    call: AccountCall,
    waitMs: number | undefined,
    turn: CallTurn | undefined,
    refusedIn: CallQueue | undefined,
  ): CallQueue | undefined {
    if (this.#isClosed) return undefined;
    const { path } = call.request;
    const queue = this.#queueNow(call, turn) ?? this.#openAccount(call.account);
    if (refusedIn === queue && this.#isLimitOf(path, queue)) {
      turn?.queue.ended(turn.turn);
      return this.#holdPath(path, waitMs, queue);
    }
    queue.refused(path, waitMs, turnIn(queue, turn));
    if (this.#isShared(call, queue)) this.#holdAll(path, waitMs);
    return queue;
  }

  /** Ends all waits. */
  close(): void {
    this.#isClosed = true;
    const waiting = this.#queues().flatMap((queue) => queue.end());
    this.#accounts.clear();
    this.#paths.clear();
    this.#all = undefined;
    this.isActive = false;
    for (const { fail } of waiting) fail(closedError());
  }

  #queues(): CallQueue[] {
    return [
      ...(this.#all === undefined ? [] : [this.#all]),
      ...this.#accounts.values(),
      ...this.#paths.values(),
    ];
  }

  #queueOf({ account, request }: AccountCall): CallQueue | undefined {
    return this.#paths.get(request.path) ?? this.#all ?? this.#accounts.get(account);
  }

  /** The queue in which a call had its turn, or else the one in which it would have it now. */
  #queueNow(call: AccountCall, turn: CallTurn | undefined): CallQueue | undefined {
    return turn === undefined || turn.queue.isOver ? this.#queueOf(call) : turn.queue;
  }

  #wait(queue: CallQueue, call: AccountCall): Promise<CallTurn | undefined> {
    return new Promise((go, fail) => {
      if (sum(this.#queues().map(({ waiting }) => waiting)) < MOST_WAITING) queue.wait({ call, go, fail });
      else fail(tooMany((MOST_WAITING / queue.rate) * 1000));
    });
  }

  /** Whether a path that was refused again has a limit of its own, apart from that of its queue. */
  #isLimitOf(path: string, queue: CallQueue): boolean {
    if (queue.scope.path !== undefined || queue.isTesting || this.#paths.size >= MOST_OWN) return false;
    return queue.paths.isLimitOf(path);
  }

  /** Whether another account was refused just before, so that the limit is not that of one. */
  #isShared({ account }: AccountCall, queue: CallQueue): boolean {
    if (queue.scope.path !== undefined || queue === this.#all) return false;
    const now = performance.now();
    const last = this.#lastRefusal;
    this.#lastRefusal = { account, at: now };
    return last !== undefined && last.account !== account && now - last.at < SHARED_WITHIN_MS;
  }

  #openAccount(account: string): CallQueue {
    const queue = this.#open(account === '' ? {} : { accountID: account }, account, () =>
      this.#accounts.delete(account),
    );
    this.#accounts.set(account, queue);
    return queue;
  }

  #openPath(path: string): CallQueue {
    const queue = new CallQueue({
      limiter: new RateLimiter(performance.now()),
      emit: this.#emit,
      scope: { path },
      cleared: () => this.#clear(queue, () => this.#paths.delete(path)),
    });
    this.#paths.set(path, queue);
    return queue;
  }

  /** @param held - The queue that was taken for that of the limit. */
  #holdPath(path: string, waitMs: number | undefined, held: CallQueue): CallQueue {
    const queue = this.#paths.get(path) ?? this.#openPath(path);
    queue.refused(path, waitMs, undefined);
    // Its calls were held for nothing.
    if ([...held.paths.everRefused].every((refused) => this.#paths.has(refused))) held.forget();
    return queue;
  }

  #holdAll(path: string, waitMs: number | undefined): void {
    const all = this.#open({}, undefined, () => {
      this.#all = undefined;
    });
    this.#all = all;
    const ended = [...this.#accounts.values()];
    this.#accounts.clear();
    const waiting = ended.flatMap((queue) => queue.end());
    for (const queue of ended) this.#reportEnd(queue);
    all.refused(path, waitMs, undefined);
    for (const one of waiting) all.wait(one);
  }

  /** @param account - Whose calls of the last second count; those of all accounts without one. */
  #open(scope: CallQueue['scope'], account: string | undefined, remove: () => void): CallQueue {
    const now = performance.now();
    const { times, paths } = this.#recent.since(now, account);
    const queue = new CallQueue({
      limiter: new RateLimiter(now, times),
      emit: this.#emit,
      scope,
      passedPaths: paths,
      cleared: () => this.#clear(queue, remove),
    });
    this.isActive = true;
    return queue;
  }

  #clear(queue: CallQueue, remove: () => void): void {
    const waiting = queue.end();
    remove();
    this.isActive = this.#queues().length > 0;
    for (const { go } of waiting) go(undefined);
    this.#reportEnd(queue);
  }

  /** Once for each queue whose limit was reported. */
  #reportEnd({ isReported, scope }: CallQueue): void {
    if (isReported) this.#emit({ type: 'rateLimit.cleared', ...scope });
  }
}

/** The turn of a call, if it had it in this queue. */
function turnIn(queue: CallQueue, turn: CallTurn | undefined): CallTurn['turn'] | undefined {
  return turn?.queue === queue ? turn.turn : undefined;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function tooMany(waitMs: number): MoovUnavailableError {
  return rateLimited(`${MOST_WAITING} calls are waiting for Moov's rate limit already`, waitMs);
}
