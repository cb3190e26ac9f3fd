import { onTestFinished, vi } from 'vitest';

const realInterval = setInterval;

/**
 * Lets waits and time-outs pass about ten times as fast until the end of the test, while real HTTP goes on. Use it as
 * `beforeEach(() => fastClock())`, or first in a test.
 *
 * The clock moves on by a step for each turn of the event loop, and not with the time of day: a busy machine, on which
 * replies are late, delays the clock as well. Use it for servers in this process alone.
 *
 * @returns a function that stops the clock.
 */
export function fastClock(stepMs = 20): () => void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const ticking = realInterval(() => vi.advanceTimersByTime(stepMs), 2);
  const stop = () => clearInterval(ticking);
  onTestFinished(() => {
    stop();
    vi.useRealTimers();
  });
  return stop;
}

/**
 * Stops the clock by which the package spaces token requests, attempts and tries of a store, until the end of the test;
 * timers go on. For tests with a server in another process, which must not be hurried.
 *
 * @returns lets that many milliseconds pass at once.
 */
export function heldClock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  return (ms) => void vi.advanceTimersByTime(ms);
}
