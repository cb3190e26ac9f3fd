import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TimeLimit } from '../../src/utils/time-limit.js';
import { Timers } from '../../src/utils/timers.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('the signal aborts when the time is up, with a TimeoutError', () => {
  const limit = new TimeLimit(1_000, new Timers(true), undefined);
  vi.advanceTimersByTime(999);
  expect(limit.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(limit.isTimeUp).toBe(true);
  expect(limit.signal.reason).toMatchObject({ name: 'TimeoutError', message: 'timeout of 1000ms exceeded' });
});

test.each(['before', 'after'])('it aborts with the other signal, aborted %s it was made', (when) => {
  const outer = new AbortController();
  const reason = new Error('stopped');
  if (when === 'before') outer.abort(reason);
  const limit = new TimeLimit(1_000, new Timers(true), outer.signal);
  outer.abort(reason);
  expect(limit.signal.reason).toBe(reason);
  expect(limit.isTimeUp).toBe(false);
  limit.clear();
});

test('after clear() nothing aborts it, and nothing is left of it', () => {
  const outer = new AbortController();
  const limit = new TimeLimit(1_000, new Timers(true), outer.signal);
  limit.clear();
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
  outer.abort();
  expect(limit.signal.aborted).toBe(false);
});

test('Infinity is no limit, and needs no timer', () => {
  const limit = new TimeLimit(Number.POSITIVE_INFINITY, new Timers(true), undefined);
  expect(vi.getTimerCount()).toBe(0);
  expect(limit.signal.aborted).toBe(false);
});
