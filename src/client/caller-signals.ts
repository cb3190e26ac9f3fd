import type { GenericAbortSignal } from 'axios';

/** The calls that wait for one signal, and the listener that ends them all. */
interface Listening {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

/** Listens once to each signal of a caller, however many calls share it: Node warns of many listeners on one. */
export class CallerSignals {
  readonly #listening = new WeakMap<GenericAbortSignal, Listening>();

  add(signal: GenericAbortSignal, abort: () => void): void {
    const known = this.#listening.get(signal);
    if (known !== undefined) {
      known.calls.add(abort);
      return;
    }
    const calls = new Set([abort]);
    const listener = () => {
      for (const one of [...calls]) one();
    };
    this.#listening.set(signal, { calls, listener });
    signal.addEventListener?.('abort', listener);
  }

  delete(signal: GenericAbortSignal, abort: () => void): void {
    const known = this.#listening.get(signal);
    if (known === undefined || !known.calls.delete(abort) || known.calls.size > 0) return;
    this.#listening.delete(signal);
    signal.removeEventListener?.('abort', known.listener);
  }
}
