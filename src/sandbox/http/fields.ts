import { z } from 'zod';
import { type Call, invalid, isRecord, jsonObject } from './call.js';

/** The error of a zod schema: "is required" without a value, else what the value must be. */
export function mustBe(what: string) {
  return {
    error: ({ input }: { input?: unknown }) => (input === undefined ? 'is required' : `must be ${what}`),
  };
}

export const text = z.string(mustBe('a string')).min(1, 'is required');
export const optionalText = z.string('must be a string').optional();

/** What callers may write on a thing of theirs. */
export const labels = {
  metadata: z.custom<Readonly<Record<string, string>>>(isStringRecord, 'must hold strings').optional(),
  foreignID: optionalText,
};

export const amount = z.object(
  {
    value: z.int(mustBe('a positive integer')).positive('must be a positive integer'),
    currency: z.literal('USD', mustBe('USD')),
  },
  mustBe('an object'),
);

/**
 * Reads a JSON body.
 *
 * @param depth - How deep Moov's 422 of this operation names what is wrong: 1 for `{"amount": "value must be ..."}`.
 * @throws Refusal with 400 when the body is not a JSON object, and with 422 when the schema refuses it.
 */
export function readBody<Schema extends z.ZodType>(call: Call, schema: Schema, depth = 1): z.output<Schema> {
  const parsed = schema.safeParse(jsonObject(call));
  if (parsed.success) return parsed.data;
  throw invalid(fieldsAtFault(parsed.error.issues, depth));
}

function isStringRecord(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((entry) => typeof entry === 'string');
}

interface Fields {
  [name: string]: string | Fields;
}

/** The first thing that is wrong with each field. */
function fieldsAtFault(issues: readonly z.core.$ZodIssue[], depth: number): Fields {
  const fields: Fields = {};
  for (const { path, message } of issues) {
    const names = path.map(String);
    const outer = names.slice(0, depth);
    const last = outer.pop() ?? 'error';
    let parent = fields;
    for (const name of outer) {
      const inner = parent[name];
      const next: Fields = typeof inner === 'object' ? inner : {};
      parent[name] = next;
      parent = next;
    }
    parent[last] ??= [...names.slice(depth), message].join(' ');
  }
  return fields;
}
