/** Describes the type of an invalid value without revealing the value, which may be a secret. */
export function describeType(value: unknown): string {
  if (value === undefined) return 'none';
  if (value === '') return 'an empty string';
  if (value === null || typeof value === 'number') return String(value);
  return Array.isArray(value) ? 'a list' : `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`;
}

/** Whether a value has properties of its own: an object or a list, not `null`. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
