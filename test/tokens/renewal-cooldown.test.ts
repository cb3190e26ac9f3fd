import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RenewalCooldown } from '../../src/tokens/renewal-cooldown.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('lets the first 401 renew', () => {
  expect(new RenewalCooldown().allowsRenewal).toBe(true);
});

it('pauses renewals for 5 s after a 401 that a new token did not fix', () => {
  const pause = new RenewalCooldown();
  pause.stillUnauthorized(2);
  vi.advanceTimersByTime(4_999);
  expect(pause.allowsRenewal).toBe(false);
  vi.advanceTimersByTime(1);
  expect(pause.allowsRenewal).toBe(true);
});

it('counts a refused token once, however many calls it failed', () => {
  const pause = new RenewalCooldown();
  pause.stillUnauthorized(2);
  vi.advanceTimersByTime(4_000);
  pause.stillUnauthorized(2);
  vi.advanceTimersByTime(1_000);
  expect(pause.allowsRenewal).toBe(true);
});

it('doubles up to 60 s while other calls succeed with the token', () => {
  const pause = new RenewalCooldown();
  const lengths: number[] = [];
  for (let generation = 2; generation < 9; generation++) {
    pause.stillUnauthorized(generation);
    let seconds = 0;
    while (!pause.allowsRenewal) {
      vi.advanceTimersByTime(1_000);
      pause.accepted(1);
      seconds++;
    }
    lengths.push(seconds);
  }
  expect(lengths).toEqual([5, 10, 20, 40, 60, 60, 60]);
});

it('stays at 5 s while all calls get 401', () => {
  const pause = new RenewalCooldown();
  for (let generation = 2; generation < 6; generation++) {
    pause.stillUnauthorized(generation);
    vi.advanceTimersByTime(5_000);
    expect(pause.allowsRenewal).toBe(true);
  }
});

it('ends 5 s after the last success, because the token itself may have been revoked', () => {
  const pause = new RenewalCooldown();
  for (let generation = 2; generation < 6; generation++) {
    pause.stillUnauthorized(generation);
    vi.advanceTimersByTime(60_000);
    pause.accepted(1);
  }
  pause.stillUnauthorized(6);
  vi.advanceTimersByTime(7_000);
  pause.accepted(1);
  vi.advanceTimersByTime(4_999);
  expect(pause.allowsRenewal).toBe(false);
  vi.advanceTimersByTime(1);
  expect(pause.allowsRenewal).toBe(true);
});

it('ignores a success from before the last 401: the pause does not double', () => {
  const pause = new RenewalCooldown();
  pause.accepted(1);
  pause.stillUnauthorized(2);
  vi.advanceTimersByTime(5_000);
  // The success was before that 401, so this pause stays at 5 s, whatever comes back now.
  pause.stillUnauthorized(3);
  for (let second = 0; second < 4; second++) {
    vi.advanceTimersByTime(1_000);
    pause.accepted(1);
  }
  expect(pause.allowsRenewal).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(pause.allowsRenewal).toBe(true);
});

it('is 5 s for the first 401, also after successes', () => {
  const pause = new RenewalCooldown();
  pause.accepted(1);
  vi.advanceTimersByTime(10);
  pause.stillUnauthorized(2);
  vi.advanceTimersByTime(4_000);
  pause.accepted(1);
  vi.advanceTimersByTime(1_000);
  expect(pause.allowsRenewal).toBe(true);
});
