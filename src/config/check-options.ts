import { MoovConfigError } from '../errors.js';
import { describeType, isObject } from '../utils/value-type.js';

/** What has the options or fields, for messages about them. */
export interface Subject {
  /** The function that takes them, such as `moovAuth`. */
  name: string;
  /** What messages call each of them. Default: an option. */
  noun?: 'option' | 'field';
  /** The class of its errors. Default: MoovConfigError. */
  Failure?: new (
    message: string,
  ) => Error;
}

/** A much longer name has another meaning: `retry` is not a misspelling of `retryBudget`. */
const LONGEST_END = 3;

/**
 * Refuses values that are not objects, and unknown names: a misspelt option would otherwise be ignored.
 *
 * @param listed - The known names that a message lists. Default: all.
 * @throws the subject's error, such as `moovAuth: unknown option "accountId". Did you mean "accountID"? Options are …`
 */
export function assertKnown(
  { name, noun = 'option', Failure = MoovConfigError }: Subject,
  given: unknown,
  known: readonly string[],
  listed = known,
): asserts given is object {
  if (!isObject(given) || Array.isArray(given)) {
    throw new Failure(`${name}: expected an object of ${noun}s; got ${describeType(given)}.`);
  }
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  if (unknown.length === 0) return;
  throw new Failure(`${name}: unknown ${noun} ${quoted(unknown)}. ${suggestion(unknown, listed, noun)}`);
}

/** Returns the message about an option or a field with a wrong value. */
export function wrongValue(name: string, expected: string, got: string): string {
  return `${name}: expected ${expected}; got ${got}.`;
}

/** Lists the known names, after those that were likely meant. */
function suggestion(unknown: readonly string[], known: readonly string[], noun: string): string {
  const meant = unknown.flatMap((name) => known.find((candidate) => isSlip(name, candidate)) ?? []);
  const question = meant.length === 0 ? '' : `Did you mean ${quoted(meant)}? `;
  const list = known.length === 1 ? `The ${noun} is` : `${noun === 'option' ? 'Options' : 'Fields'} are`;
  return `${question}${list} ${known.join(', ')}.`;
}

/** Whether two names differ only in case, punctuation or their end, such as a missing unit or plural. */
function isSlip(name: string, candidate: string): boolean {
  const [shorter = '', longer = ''] = [letters(name), letters(candidate)].sort((a, b) => a.length - b.length);
  return shorter.length > 3 && longer.startsWith(shorter) && longer.length - shorter.length <= LONGEST_END;
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '');
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
