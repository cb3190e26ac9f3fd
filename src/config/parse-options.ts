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
 * @throws {@link MoovConfigError} naming the option and what was expected. Unknown options come first, because one may
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
  throw wrongOption(schema, name, Reflect.get(given, name));
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
  const { expected, variables, got: describe = typeOf } = wordingOf(schema, name);
  const message = wrongValue(name, expected, got ?? describe(value));
  const how = variables === undefined ? '' : ` Set it in the options or as ${variables.join(' or ')}.`;
  return new MoovConfigError(message + how);
}

/** The wording of an option of a schema. */
export function wordingOf(schema: z.ZodObject, name: string): Wording {
  const option = schema.shape[name];
  return (option && wording.get(option)) ?? { expected: 'something else' };
}

/** Describes the type of a value, but not a number, which may be a key. */
export function typeOf(value: unknown): string {
  return typeof value === 'number' ? 'a number' : describeType(value);
}
