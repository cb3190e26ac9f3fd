import { RateLimiter } from '../../src/rate-limit/rate-limiter.js';
import type { Turn } from '../../src/rate-limit/turn-window.js';

/** Whether a request that arrives now passes. */
export type Limit = (now: number) => boolean;

/** At most so many in any second. */
export function slidingWindow(rate: () => number): Limit {
  let passed: number[] = [];
  return (now) => {
    passed = passed.filter((time) => time > now - 1000);
    if (passed.length >= rate()) return false;
    passed.push(now);
    return true;
  };
}

/** At most so many in each second of the clock. */
export function fixedWindow(rate: () => number, phase = 370): Limit {
  let [second, passed] = [0, 0];
  return (now) => {
    const current = Math.floor((now + phase) / 1000);
    if (current !== second) [second, passed] = [current, 0];
    if (passed >= rate()) return false;
    passed++;
    return true;
  };
}

/** A bucket of tokens that fills at a rate. */
export function tokenBucket(rate: () => number, share: number): Limit {
  let tokens = rate() * share;
  let at = 0;
  return (now) => {
    tokens = Math.min(rate() * share, tokens + ((now - at) / 1000) * rate());
    at = now;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}

export interface World {
  limit: Limit;
  /** There and back. */
  latencyMs?: number;
  jitterMs?: number;
  /** What sending one request, and answering it, takes of the client's and of the server's time. */
  costMs?: number;
  retryAfterMs?: number;
  /** For each process: when its calls are made. */
  processes: readonly (readonly number[])[];
  /** The option `rateLimit: { requestsPerSecond }`. */
  requestsPerSecond?: number;
  seed?: number;
  untilMs?: number;
}

export interface Result {
  /** When each process was done. */
  doneAt: number[];
  requests: number;
  refused: number;
  holds: number;
  passedAt: number[];
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

/** As in CallQueue: the limiter is asked this often at least. */
const LONGEST_LOOK_MS = 200;

/** Runs processes with a {@link RateLimiter} each against one limit, in no time. */
export function simulate(world: World): Result {
  const { limit, latencyMs = 0, jitterMs = 1, costMs = 0.3, retryAfterMs = 1000, processes } = world;
  const chance = random(world.seed ?? 1);
  const events: { at: number; order: number; run: (now: number) => void }[] = [];
  let order = 0;
  const at = (time: number, run: (now: number) => void) => {
    let [low, high] = [0, events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const event = events[middle];
      if (event !== undefined && (event.at < time || (event.at === time && event.order < order)))
        low = middle + 1;
      else high = middle;
    }
    events.splice(low, 0, { at: time, order: order++, run });
  };
  const result: Result = { doneAt: [], requests: 0, refused: 0, holds: 0, passedAt: [] };
  let serverBusy = 0;

  for (const [index, calls] of processes.entries()) {
    const { requestsPerSecond } = world;
    let limiter = requestsPerSecond === undefined ? undefined : new RateLimiter(0, [], requestsPerSecond);
    let passed: number[] = [];
    const waiting: number[] = [];
    let busy = 0;
    let done = 0;
    let wake = Number.POSITIVE_INFINITY;

    const send = (now: number, call: number, turn: Turn | undefined) => {
      result.requests++;
      busy = Math.max(busy, now) + costMs;
      const there = busy + latencyMs / 2 + chance() * jitterMs;
      at(there, (arrived) => {
        serverBusy = Math.max(serverBusy, arrived) + costMs;
        at(serverBusy, (handled) => {
          const ok = limit(handled);
          at(handled + latencyMs / 2 + chance() * jitterMs, (back) => answer(back, call, turn, ok));
        });
      });
    };
    const answer = (now: number, call: number, turn: Turn | undefined, ok: boolean) => {
      if (ok) {
        result.passedAt.push(now);
        passed.push(now);
        passed = passed.filter((time) => time > now - 1000);
        limiter?.passed(now, turn);
        if (++done === calls.length) result.doneAt[index] = now;
      } else {
        result.refused++;
        limiter ??= new RateLimiter(now, passed);
        if (limiter.refused(now, retryAfterMs, turn)) result.holds++;
        waiting.push(call);
        waiting.sort((a, b) => a - b);
      }
      go(now);
    };
    const go = (now: number) => {
      if (limiter === undefined) {
        for (const call of waiting.splice(0)) send(now, call, undefined);
        return;
      }
      while (waiting.length > 0) {
        const next = limiter.nextAt(now);
        if (next > now) {
          const look = Math.min(next, now + LONGEST_LOOK_MS);
          if (look < wake) {
            wake = look;
            at(look, (then) => {
              if (wake === look) wake = Number.POSITIVE_INFINITY;
              limiter?.expire(then);
              go(then);
            });
          }
          return;
        }
        const call = waiting.shift();
        if (call !== undefined) send(now, call, limiter.sent(now));
      }
    };
    for (const [id, time] of calls.entries()) {
      at(time, (now) => {
        waiting.push(id);
        go(now);
      });
    }
  }
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    if (event.at > (world.untilMs ?? 600_000)) break;
    event.run(event.at);
  }
  return result;
}
