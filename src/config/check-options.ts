import { MoovConfigError } from '../errors.js';
import { describeType, isObject } from '../utils/value-type.js';

/** Where options or fields are given, for messages about them. */
export interface Subject {
  /** What they are given to, such as `moovAuth`. */
  name: string;
  /** What its messages call each of them. Default: an option. */
  noun?: 'option' | 'field';
  /** The class of its errors. Default: MoovConfigError. */
  Failure?: new (
    message: string,
  ) => Error;
}

/** A name that is longer by more has another meaning: `retry` is no slip for `retryBudget`. */
const LONGEST_END = 3;

/**
 * Refuses what is no object, and unknown names, as a misspelt option would otherwise be ignored.
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

/** The message about an option or a field whose value is wrong. */
export function wrongValue(name: string, expected: string, got: string): string {
  return `${name}: expected ${expected}; got ${got}.`;
}

/** The known names, and before them those that were likely meant. */
function suggestion(unknown: readonly string[], known: readonly string[], noun: string): string {
  const meant = unknown.flatMap((name) => known.find((candidate) => isSlip(name, candidate)) ?? []);
  const question = meant.length === 0 ? '' : `Did you mean ${quoted(meant)}? `;
  const list = known.length === 1 ? `The ${noun} is` : `${noun === 'option' ? 'Options' : 'Fields'} are`;
  return `${question}${list} ${known.join(', ')}.`;
}

/** Whether two names differ in case and punctuation alone, or in their ends, as without a unit or a plural. */
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
