import { isObject } from '../utils/value-type.js';

/** Far more than a form has, and a bound on what somebody else's server can make of a response. */
const MOST_FIELDS = 100;
const DEEPEST = 10;

/** What Moov's fields are called. Anything else may be a value. */
const fieldName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$|^\d{1,4}$/;

/**
 * Returns the names of the fields that a 422 of Moov's rejects: the paths to the texts in its body, such as
 * `profile.individual.email`.
 *
 * @param body - The parsed body of the response.
 */
export function invalidFields(body: unknown): string[] {
  const fields: string[] = [];
  const collect = (value: unknown, path: readonly string[]): void => {
    if (fields.length >= MOST_FIELDS || path.length > DEEPEST) return;
    if (isObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        if (fieldName.test(name)) collect(member, [...path, name]);
      }
    } else if (path.length > 0 && value !== null && value !== '') {
      fields.push(path.join('.'));
    }
  };
  collect(body, []);
  return fields;
}
