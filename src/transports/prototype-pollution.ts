/** Options for which Node's own functions have defaults; `undefined` would override these. */
const defaulted = new Set(['checkServerIdentity', 'ciphers', 'minDHSize', 'rejectUnauthorized']);

/**
 * Copies options without inherited properties. Properties that were added to `Object.prototype` are `undefined` in the
 * copy: Node copies options once more, and its copies would inherit them again.
 */
export function shieldedFromPrototype<Options extends object>(options: Options): Options {
  const copy: Options = { ...options };
  Object.setPrototypeOf(copy, null);
  for (const name of Object.keys(Object.prototype)) {
    if (!Object.hasOwn(copy, name) && !defaulted.has(name)) Reflect.set(copy, name, undefined);
  }
  return copy;
}
