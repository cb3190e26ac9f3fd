import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/rate-limit/rate-limiter.js';
import {
  fixedWindow,
  type Limit,
  type Result,
  simulate,
  slidingWindow,
  tokenBucket,
  type World,
} from './simulation.js';

const atOnce = (count: number, at = 0) => Array.from({ length: count }, () => at);
const seeds = [1, 2, 3, 4, 5];

const limits: readonly [name: string, of: (rate: () => number) => Limit, most: number][] = [
  ['a sliding window', slidingWindow, 1.1],
  ['a fixed window', fixedWindow, 1.1],
  ['a fixed window that begins with the batch', (rate) => fixedWindow(rate, 990), 1.1],
  ["a bucket with a second's burst", (rate) => tokenBucket(rate, 1), 1.1],
  ['a bucket with a fifth of that', (rate) => tokenBucket(rate, 0.2), 2],
];

/** The time that a batch took, to the time that the limit allows at best. */
function timesTheLimit({ doneAt }: Result, calls: number, rate: number): number {
  return Math.max(...doneAt) / ((calls / rate) * 1000);
}

function runs(of: (rate: () => number) => Limit, rate: number, world: Omit<World, 'limit'>): Result[] {
  return seeds.map((seed) => simulate({ limit: of(() => rate), seed, ...world }));
}

describe.each(limits)('1,000 calls at once under %s of 40 a second', (_name, of, most) => {
  it.each([
    [0, most],
    [100, Math.max(most, 1.3)],
  ])('take about the time that the limit allows, with %i ms of latency', (latencyMs, atMost) => {
    for (const result of runs(of, 40, { latencyMs, processes: [atOnce(1000)] })) {
      expect(result.passedAt).toHaveLength(1000);
      expect(timesTheLimit(result, 1000, 40)).toBeLessThanOrEqual(atMost);
      expect(result.requests).toBeLessThanOrEqual(2_100);
      expect(result.holds).toBeLessThanOrEqual(20);
    }
  });

  it('need few more requests when they come again within the minute', () => {
    for (const result of runs(of, 40, { processes: [[...atOnce(1000), ...atOnce(1000, 60_000)]] })) {
      expect(result.passedAt).toHaveLength(2000);
      expect(result.requests).toBeLessThanOrEqual(2_100 + 1_050);
    }
  });

  it('find a limit that is raised from 10 to 80', () => {
    for (const seed of seeds) {
      let rate = 10;
      const limit = of(() => rate);
      const raised = (now: number) => {
        if (now > 20_000) rate = 80;
        return limit(now);
      };
      const { passedAt } = simulate({ limit: raised, seed, processes: [atOnce(3000)], untilMs: 40_000 });
      const busiest = Math.max(
        ...passedAt
          .filter((at) => at > 20_000)
          .map((at) => passedAt.filter((other) => other > at - 1000 && other <= at).length),
      );
      expect(busiest).toBeGreaterThanOrEqual(64);
    }
  });

  it('are done in time by four processes, of which none is left behind', () => {
    for (const result of runs(of, 40, {
      latencyMs: 2,
      jitterMs: 5,
      processes: [1, 2, 3, 4].map(() => atOnce(250)),
    })) {
      expect(result.passedAt).toHaveLength(1000);
      expect(timesTheLimit(result, 1000, 40)).toBeLessThanOrEqual(1.6);
      expect(Math.max(...result.doneAt) / Math.min(...result.doneAt)).toBeLessThanOrEqual(2.5);
    }
  });
});

it.each(limits.slice(0, 4))('the rate of the options is kept under %s, without a 429', (_name, of) => {
  // A fixed window may begin in the middle of what is any second for a sliding one.
  for (const result of runs(of, 40, { processes: [atOnce(1000)], requestsPerSecond: 40 })) {
    expect(result.refused).toBe(0);
    expect(timesTheLimit(result, 1000, 40)).toBeLessThanOrEqual(1.06);
  }
});

describe('a hold', () => {
  it('lasts as long as the 429 asks for, and a second when it asks for nothing', () => {
    const limiter = new RateLimiter(0);
    expect(limiter.refused(100, undefined, undefined)).toBe(true);
    expect(limiter.nextAt(100)).toBe(1_100);
    expect(limiter.nextAt(1_100)).toBe(1_100);
    limiter.refused(1_200, 5_000, undefined);
    expect(limiter.nextAt(1_200)).toBe(6_200);
  });

  it('is not prolonged by the 429s of calls that were in flight, unless one asks for more', () => {
    const limiter = new RateLimiter(0);
    limiter.refused(0, 1_000, undefined);
    expect(limiter.refused(500, 1_000, undefined)).toBe(false);
    expect(limiter.nextAt(500)).toBe(1_000);
    expect(limiter.refused(600, 3_000, undefined)).toBe(false);
    expect(limiter.nextAt(600)).toBe(3_600);
  });

  it('ends after a minute, whatever the 429 asks for, and then one call tries', () => {
    const limiter = new RateLimiter(0);
    limiter.refused(0, 86_400_000, undefined);
    expect(limiter.nextAt(0)).toBe(60_000);
    expect(limiter.nextAt(60_000)).toBe(60_000);
    const turn = limiter.sent(60_000);
    expect(limiter.nextAt(60_001)).toBe(Number.POSITIVE_INFINITY);
    limiter.passed(65_000, turn);
    expect(limiter.nextAt(65_000)).toBe(65_000);
  });

  it('lets one call try after another while they get no response', () => {
    const limiter = new RateLimiter(0);
    limiter.refused(0, 86_400_000, undefined);
    limiter.nextAt(60_000);
    const turn = limiter.sent(60_000);
    limiter.ended(70_000, turn);
    expect(limiter.nextAt(70_000)).toBe(70_000);
  });
});

it('a call that hangs does not keep its turn', () => {
  const limiter = new RateLimiter(0, [], 1);
  limiter.nextAt(0);
  limiter.sent(0);
  expect(limiter.nextAt(10)).toBe(1_250);
  // The process may have been busy, and the response be there unread.
  limiter.expire(1_300);
  expect(limiter.nextAt(1_300)).toBeGreaterThan(1_300);
  limiter.expire(1_400);
  expect(limiter.nextAt(1_400)).toBe(1_400);
});

it('a turn that was not used is there for the next call', () => {
  const limiter = new RateLimiter(0, [], 1);
  limiter.nextAt(0);
  limiter.unused(limiter.sent(0));
  expect(limiter.nextAt(10)).toBe(10);
});
