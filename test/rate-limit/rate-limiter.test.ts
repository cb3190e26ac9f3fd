import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/rate-limit/rate-limiter.js';
import { full } from '../helpers/full.js';
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
const manySeeds = [1, 2, 3, 4, 5, 6, 7, 8];
const seeds = full ? manySeeds : [1, 2];

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
    [100, Math.max(most, 1.16)],
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

  it('reach 64 a second within ten seconds when the limit is raised from 10 to 80', () => {
    let rate = 10;
    const limit = of(() => rate);
    const raised = (now: number) => {
      if (now > 10_000) rate = 80;
      return limit(now);
    };
    const { passedAt } = simulate({ limit: raised, processes: [atOnce(900)], untilMs: 20_000 });
    expect(passedAt.some((at, index) => at - (passedAt[index - 63] ?? 0) < 1_000)).toBe(true);
  });

  it('are done in time by four processes, of which none is left behind', () => {
    for (const result of runs(of, 40, {
      latencyMs: 2,
      jitterMs: 5,
      processes: [1, 2, 3, 4].map(() => atOnce(250)),
    })) {
      expect(result.passedAt).toHaveLength(1000);
      expect(timesTheLimit(result, 1000, 40)).toBeLessThanOrEqual(1.5);
      expect(Math.max(...result.doneAt) / Math.min(...result.doneAt)).toBeLessThanOrEqual(2.2);
    }
  });
});

it.each([5, 30, 100])('four processes that begin %i ms apart come out even', (apart) => {
  const processes = [0, 1, 2, 3].map((index) => atOnce(250, index * apart));
  const ratios = manySeeds.map((seed) => {
    const limit = slidingWindow(() => 40);
    const { doneAt } = simulate({ limit, seed, latencyMs: 2, jitterMs: 5, processes });
    return Math.max(...doneAt) / Math.min(...doneAt);
  });
  ratios.sort((a, b) => a - b);
  expect(ratios[Math.floor(ratios.length / 2)]).toBeLessThanOrEqual(1.5);
  expect(ratios.at(-1)).toBeLessThanOrEqual(2);
});

describe.each(limits.slice(0, 4))('the rate of the options is kept under %s, without a 429', (_name, of) => {
  // A fixed window may begin in the middle of what is any second for a sliding one.
  it.each<[what: string, world: Partial<World>, most: number]>([
    ['near', {}, 1.06],
    ['far away', { latencyMs: 100 }, 1.16],
  ])('of a server that is %s', (_what, world, most) => {
    for (const result of runs(of, 40, { processes: [atOnce(1000)], requestsPerSecond: 40, ...world })) {
      expect(result.refused).toBe(0);
      expect(timesTheLimit(result, 1000, 40)).toBeLessThanOrEqual(most);
    }
  });
});

it('counts calls under the rate of the options from their responses, as a busy process may have sent them late', () => {
  const limiter = new RateLimiter(0, [], 40);
  const turns = Array.from({ length: 40 }, () => limiter.sent(0));
  for (const turn of turns) limiter.passed(200, turn);
  expect(limiter.nextAt(1_199)).toBe(1_200);
});

describe('a 429', () => {
  /** A limiter after its first hold, in which so many calls go and pass in a second. */
  function resumedAfter(count: number): RateLimiter {
    const times = Array.from({ length: 40 }, (_, index) => index);
    const limiter = new RateLimiter(100, times);
    limiter.refused(100, 1_000, undefined);
    expect(limiter.nextAt(1_100)).toBe(1_100);
    for (let sent = 0; sent < count; sent++) limiter.passed(1_101, limiter.sent(1_100));
    return limiter;
  }

  it('lowers the rate to what passed when calls had to wait for it', () => {
    const limiter = resumedAfter(10);
    const turn = limiter.sent(1_102);
    while (limiter.nextAt(1_103) === 1_103) limiter.passed(1_104, limiter.sent(1_103));
    limiter.refused(1_200, 1_000, turn);
    limiter.nextAt(2_200);
    expect(limiter.expectedRate).toBeLessThan(40);
  });

  it('leaves a turn to another call however short its hold is', () => {
    const limiter = resumedAfter(5);
    limiter.refused(1_110, 10, limiter.sent(1_105));
    for (let sent = 0; sent < 2; sent++) {
      expect(limiter.nextAt(1_120)).toBe(1_120);
      limiter.sent(1_120);
    }
  });

  it('does not lower it to nothing when the process stood still for a while', () => {
    const limiter = new RateLimiter(0, [], 40);
    for (let sent = 0; sent < 40; sent++) limiter.passed(10, limiter.sent(0));
    expect(limiter.nextAt(5_000)).toBe(5_000);
    const turns = Array.from({ length: 40 }, () => limiter.sent(5_000));
    expect(limiter.nextAt(5_001)).toBeGreaterThan(5_001);
    for (const turn of turns) limiter.refused(5_010, 1_000, turn);
    limiter.nextAt(6_010);
    expect(limiter.expectedRate).toBeGreaterThanOrEqual(10);
  });

  it.each([0, 5])('does not lower it when only %i calls went before it', (count) => {
    const limiter = resumedAfter(count);
    limiter.refused(1_200, 1_000, limiter.sent(1_150));
    limiter.nextAt(2_200);
    expect(limiter.expectedRate).toBe(40);
  });

  it('does not lower it when the first call that goes is refused again and again', () => {
    const limiter = resumedAfter(0);
    for (let now = 1_100; now < 3_000; now += 20) {
      const turn = limiter.sent(now);
      while (limiter.nextAt(now) === now) limiter.sent(now);
      limiter.refused(now + 10, 10, turn);
      limiter.nextAt(now + 20);
    }
    expect(limiter.expectedRate).toBe(40);
  });
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
