import { closedError } from '../errors.js';
import { Timers, withTimeout } from '../utils/timers.js';
import type { Call } from './call.js';

/** The calls of one `MoovAuth` that have not ended. They belong to it, and end with it. */
export class OpenCalls {
  readonly #calls = new Set<Call>();
  #none: (() => void) | undefined;

  add(call: Call): void {
    this.#calls.add(call);
  }

  delete(call: Call): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#none?.();
  }

  /** Waits for the calls in flight, and ends those that take longer. Each then reports its outcome. */
  async close(graceMs: number): Promise<void> {
    if (this.#calls.size === 0) return;
    const none = new Promise<void>((resolve) => {
      this.#none = resolve;
    });
    await withTimeout(none, { ms: graceMs, timers: new Timers(), timedOut: closedError }).catch(
      () => undefined,
    );
    for (const call of [...this.#calls]) call.abort(closedError());
  }
}
