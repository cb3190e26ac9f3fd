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
