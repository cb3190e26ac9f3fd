import { setImmediate } from 'node:timers/promises';
import { MoovUnavailableError } from '../errors.js';
import type { Timers } from '../utils/timers.js';

/**
 * Waits for a result no longer than `ms`; what leads to it goes on.
 *
 * @throws {@link MoovUnavailableError} with `ERR_MOOV_TIMEOUT` and the message `late` when the time is up.
 */
export async function withTimeout<T>(
  ms: number,
  result: Promise<T>,
  late: string,
  timers: Timers,
): Promise<T> {
  const settled = new AbortController();
  const timeUp = timers.sleep(ms, settled.signal).then(async () => {
    // A process that stood still itself finds the result that has arrived in the meantime.
    if (!settled.signal.aborted) await setImmediate();
    if (settled.signal.aborted) return result;
    throw new MoovUnavailableError(late, { code: 'ERR_MOOV_TIMEOUT' });
  });
  try {
    return await timers.hold(Promise.race([result, timeUp]));
  } finally {
    settled.abort();
    // Whichever lost the race has nobody else to tell.
    result.catch(() => undefined);
    timeUp.catch(() => undefined);
  }
}
