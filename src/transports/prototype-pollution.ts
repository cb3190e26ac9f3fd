/** Options that Node's own functions have defaults for, which `undefined` would take away. */
const defaulted = new Set(['checkServerIdentity', 'ciphers', 'minDHSize', 'rejectUnauthorized']);

/**
 * A copy of options that inherits nothing, and in which whatever somebody has put on `Object.prototype` is `undefined`:
 * Node copies options, and its copies would inherit it again.
 */
export function shieldedFromPrototype<Options extends object>(options: Options): Options {
  const copy: Options = { ...options };
  Object.setPrototypeOf(copy, null);
  for (const name of Object.keys(Object.prototype)) {
    if (!Object.hasOwn(copy, name) && !defaulted.has(name)) Reflect.set(copy, name, undefined);
  }
  return copy;
}
