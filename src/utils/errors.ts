import { types } from 'node:util';

/** Runs what others wrote; what it throws, or rejects with, must not become a payment's fault. */
export function ignoreErrors(action: () => unknown): void {
  try {
    const result = action();
    // Not instanceof: under Jest, promises of Node's own modules are of another realm.
    if (types.isPromise(result)) result.catch(() => undefined);
  } catch {
    // Nobody to tell: it is the one who would be told.
  }
}
