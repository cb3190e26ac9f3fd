import { expect, it, onTestFinished, vi } from 'vitest';
import type { MoovAuthEvent } from '../../src/index.js';
import type { CallTurn } from '../../src/rate-limit/call-queue.js';
import { type AccountCall, RateLimits } from '../../src/rate-limit/rate-limits.js';

function limitsOf(requestsPerSecond: number): { limits: RateLimits; events: MoovAuthEvent[] } {
  const events: MoovAuthEvent[] = [];
  const limits = new RateLimits({ requestsPerSecond }, (event) => events.push(event));
  onTestFinished(() => limits.close());
  return { limits, events };
}

function callOf(limits: RateLimits, more: Partial<AccountCall> = {}): AccountCall {
  const request = { method: 'GET', path: '/ping' };
  const endsAt = Number.POSITIVE_INFINITY;
  return { place: limits.nextPlace(), endsAt, isBackground: false, request, account: '', ...more };
}

/** Takes a turn and uses it, as a call does that is answered at once. */
async function pass(limits: RateLimits, call: AccountCall): Promise<CallTurn | undefined> {
  const turn = await limits.turn(call);
  limits.passed(call, turn);
  return turn;
}

it('10,000 calls wait at most; one more is refused at once', async () => {
  const { limits } = limitsOf(1);
  await pass(limits, callOf(limits));
  const waiting = Array.from({ length: 10_000 }, () => limits.turn(callOf(limits)));
  expect(limits.status).toMatchObject({ waiting: 10_000 });
  await expect(limits.turn(callOf(limits))).rejects.toMatchObject({
    code: 'ERR_MOOV_RATE_LIMITED',
    status: 503,
    headers: { 'Retry-After': '10000' },
    message: expect.stringContaining('10000 calls'),
  });
  limits.close();
  const outcomes = await Promise.allSettled(waiting);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(10_000);
  expect(limits.status).toBeUndefined();
});

it('calls in the background get one turn in twenty while others wait', async () => {
  const { limits } = limitsOf(400);
  const order: boolean[] = [];
  const calls = Array.from({ length: 1_200 }, async (_, index) => {
    const isBackground = index % 2 === 0;
    await pass(limits, callOf(limits, { isBackground }));
    order.push(isBackground);
    // The first 400 may go at once, whoever makes them.
    if (order.length === 600) limits.close();
  });
  await Promise.allSettled(calls);
  const background = order.slice(400, 600).filter(Boolean).length;
  expect(background).toBeGreaterThanOrEqual(8);
  expect(background).toBeLessThanOrEqual(12);
});

it('calls in the background get that turn also when each of the others finds one free', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { limits } = limitsOf(100);
  let background = 0;
  let others = 0;
  // 95 calls a second leave less than what calls in the background leave to others.
  for (let step = 0; step < 600; step++) {
    void pass(limits, callOf(limits)).then(
      () => others++,
      () => undefined,
    );
    if (step === 200) {
      for (let n = 0; n < 100; n++) {
        void pass(limits, callOf(limits, { isBackground: true })).then(
          () => background++,
          () => undefined,
        );
      }
    }
    await vi.advanceTimersByTimeAsync(10.5);
  }
  expect(others).toBeGreaterThanOrEqual(590);
  expect(background).toBeGreaterThanOrEqual(400 / 20 - 1);
});

it('calls in the background leave a tenth of the rate to others', async () => {
  const { limits } = limitsOf(100);
  const job = Array.from({ length: 200 }, () => pass(limits, callOf(limits, { isBackground: true })));
  expect(limits.status).toMatchObject({ requestsPerSecond: 100, waiting: 110, background: 110 });
  for (let customer = 0; customer < 10; customer++) {
    expect(limits.turn(callOf(limits))).not.toBeInstanceOf(Promise);
  }
  limits.close();
  await Promise.allSettled(job);
});

it('a call is refused at once when its turn can not come before it ends', async () => {
  const { limits, events } = limitsOf(1);
  await pass(limits, callOf(limits));
  const inTime = limits.turn(callOf(limits, { endsAt: performance.now() + 60_000 }));
  const late = callOf(limits, { endsAt: performance.now() + 500 });
  await expect(limits.turn(late)).rejects.toMatchObject({
    code: 'ERR_MOOV_RATE_LIMITED',
    headers: { 'Retry-After': expect.stringMatching(/^[12]$/) },
  });
  expect(limits.status).toMatchObject({ waiting: 1 });
  expect(events.filter(({ type }) => type === 'call.throttled')).toHaveLength(1);
  expect(await inTime).toMatchObject({ turn: { sentAt: expect.any(Number) } });
});

it('a call that comes back goes ahead of those that came after it', async () => {
  const { limits } = limitsOf(2);
  const first = callOf(limits);
  await Promise.all([pass(limits, callOf(limits)), pass(limits, callOf(limits))]);
  const order: string[] = [];
  const later = pass(limits, callOf(limits)).then(() => order.push('later'));
  await Promise.all([pass(limits, first).then(() => order.push('first')), later]);
  expect(order).toEqual(['first', 'later']);
});
