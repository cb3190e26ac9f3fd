import { z } from 'zod';
import { MoovConfigError } from '../errors.js';
import { describeType } from '../utils/value-type.js';
import { assertKnown, type Subject, wrongValue } from './check-options.js';

/** The wording of an option in messages, next to its schema: `z.boolean().register(wording, { … })`. */
export interface Wording {
  /** What the option must be. */
  expected: string;
  /** The environment variables that set it, the first one that is set and not empty. */
  variables?: readonly string[];
  /** Describes a wrong value. Default: only its type, because it may be a secret in the wrong place. */
  got?: (value: unknown) => string;
}

/** The wording of each schema of an option. */
export const wording = z.registry<Wording>();

/**
 * Checks options by an object schema whose members have a {@link Wording}.
 *
 * @throws the subject's error, naming the option and what was expected. Unknown options come first, because one may
 * be a misspelling of an option that is then missing.
 */
export function parseOptions<Schema extends z.ZodObject>(
  subject: Subject,
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  assertKnown(subject, given, Object.keys(schema.shape));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const name = String(parsed.error.issues[0]?.path[0]);
  const { Failure = MoovConfigError } = subject;
  throw new Failure(messageAbout(schema, name, Reflect.get(given, name)));
}

/** All in one message, so that a first start takes one round and not three. */
export function missingOptions(
  { name }: Subject,
  schema: z.ZodObject,
  missing: readonly string[],
): MoovConfigError {
  const ways = missing.map((option) => {
    const { variables } = wordingOf(schema, option);
    return variables === undefined ? option : `${option} (${variables.join(' or ')})`;
  });
  const last = ways.pop();
  return new MoovConfigError(
    `${name}: ${ways.join(', ')} and ${last} are missing. Set them in the options or as the variables in brackets.`,
  );
}

/**
 * Fills in the environment variables of options that are not given. An option that is `undefined` counts as not given.
 *
 * @returns the options by name; a variable that is empty counts as not set.
 */
export function withVariables(
  schema: z.ZodObject,
  options: object,
  env: Readonly<Record<string, string | undefined>>,
): Map<string, unknown> {
  const given = new Map<string, unknown>(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const name of Object.keys(schema.shape)) {
    const { variables } = wordingOf(schema, name);
    const variable = variables?.find((candidate) => Object.hasOwn(env, candidate) && env[candidate]);
    if (variable !== undefined && !given.has(name)) given.set(name, env[variable]);
  }
  return given;
}

/**
 * @param got - Describes the wrong value. Default: by the option's wording.
 * @returns the error about a wrong value of an option.
 */
export function wrongOption(
  schema: z.ZodObject,
  name: string,
  value: unknown,
  got?: string,
): MoovConfigError {
  return new MoovConfigError(messageAbout(schema, name, value, got));
}

function messageAbout(schema: z.ZodObject, name: string, value: unknown, got?: string): string {
  const { expected, variables, got: describe = typeOf } = wordingOf(schema, name);
  const message = wrongValue(name, expected, got ?? describe(value));
  const how = variables === undefined ? '' : ` Set it in the options or as ${variables.join(' or ')}.`;
  return message + how;
}

/** The wording of an option of a schema. */
function wordingOf(schema: z.ZodObject, name: string): Wording {
  const option = schema.shape[name];
  return (option && wording.get(option)) ?? { expected: 'something else' };
}

/** Describes a wrong value, and never shows it: it may be a key. */
export function typeOf(value: unknown): string {
  if (typeof value === 'string' && value !== '') return `a string${flawOf(value)}`;
  return typeof value === 'number' ? 'a number' : describeType(value);
}

/**
 * Describes a wrong value that may be a list.
 *
 * @param describe - Describes a value, or the first wrong entry of a list.
 */
export function gotInList(
  value: unknown,
  isRight: (entry: unknown) => boolean,
  describe: (value: unknown) => string = typeOf,
): string {
  if (!Array.isArray(value)) return describe(value);
  // A copy, in which a hole counts as undefined.
  const index = [...value].findIndex((entry) => !isRight(entry));
  return index < 0 ? 'an empty list' : `${describe(value[index])} at place ${index + 1} of ${value.length}`;
}

/** How a text often gets damaged on its way from a file or a dashboard. */
function flawOf(text: string): string {
  if (/[\r\n]$/.test(text)) return ' with a line break at its end';
  if (/^(["'`]).*\1$/s.test(text)) return ' in quotes';
  if (/^\s/.test(text)) return ' with a blank at its beginning';
  if (/\s$/.test(text)) return ' with a blank at its end';
  return /\p{Cc}/u.test(text) ? ' with a control character in it' : '';
}
