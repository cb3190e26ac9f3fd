import { types } from 'node:util';

/** Returns what was thrown as an Error: JavaScript lets any value be thrown. Never throws itself. */
export function toError(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  } catch {
    // An object without a prototype, or one whose own code throws.
    return new Error('A value was thrown that is no Error and has no text');
  }
}

/** Runs user code and ignores its errors, so that a broken logger cannot fail a payment. */
export function ignoreErrors(run: () => unknown): void {
  try {
    const result = run();
    // Also a promise of another realm, such as a test runner's.
    if (types.isPromise(result)) result.catch(() => undefined);
  } catch {
    // The logger itself failed; there is nowhere to report it.
  }
}
