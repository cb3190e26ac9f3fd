import { type ApiResponse, type Call, invalid, notServed } from '../http/call.js';

/** Whether a thing belongs to a list with a filter of this value. */
type Filter<T> = (thing: T, value: string) => boolean;

/** What a list can be asked for, by the names of Moov's query parameters. */
interface Query<T> {
  readonly filters?: Readonly<Record<string, Filter<T>>>;
  /** The filters that take `true` or `false` alone. */
  readonly flags?: readonly string[];
  /** The filters that take a time. */
  readonly times?: readonly string[];
  /** Parameters that Moov has and the sandbox has not. */
  readonly lacking?: readonly string[];
  /** Whether `count` and `skip` are among them. Default `true`. */
  readonly paged?: boolean;
}

/**
 * The part of a list that a query asks for: what passes its filters, then `count` things, 20 unless told and 200 at
 * most, after `skip`. A parameter without a value is not applied, and an unknown one is ignored, and logged.
 *
 * Moov's page on transfers names 200 at a time and shows a `count` of 20; Moov's documents leave the rest open, also for
 * other lists. The smaller number is the default here, so that a test with few things meets a second page.
 *
 * @see {@link https://docs.moov.io/api/money-movement/transfers/list/ | Moov: list transfers}
 * @throws Refusal with 501 for a parameter that Moov has and the sandbox has not: a list that ignores it would show
 * things that Moov leaves out. With 422 for a value that its parameter can't have, such as a `count` of `many`.
 */
function listOf<T>(
  { query, pathname }: Call,
  all: readonly T[],
  { filters = {}, flags = [], times = [], lacking = [], paged = true }: Query<T> = {},
): { found: readonly T[]; note?: string } {
  const given = [...new Set(query.keys())].filter((name) => query.getAll(name).join('') !== '');
  const missing = given.find((name) => lacking.includes(name));
  if (missing !== undefined) throw notServed(`the query parameter "${missing}" of GET ${pathname}`);
  for (const name of given) {
    const value = query.getAll(name).join(',');
    if (flags.includes(name) && !/^(true|false)$/.test(value))
      throw invalid({ [name]: 'must be true or false' });
    if (times.includes(name) && !isTime(value)) throw invalid({ [name]: 'must be a time in ISO 8601' });
  }
  const passing = Object.entries(filters).reduce((left, [name, passes]) => {
    if (!given.includes(name)) return left;
    const value = query.getAll(name).join(',');
    return left.filter((thing) => passes(thing, value));
  }, all);
  const known = [...Object.keys(filters), ...(paged ? ['count', 'skip'] : [])];
  const ignored = given.filter((name) => !known.includes(name));
  const skip = paged ? wholeNumber(query, 'skip', 0) : 0;
  const count = paged ? Math.min(wholeNumber(query, 'count', 20), 200) : all.length;
  return {
    found: passing.slice(skip, skip + count),
    ...(ignored.length === 0 ? {} : { note: `ignored query parameters: ${ignored.join(', ')}` }),
  };
}

/** {@link listOf} as a response. */
export function list<T extends object>(call: Call, all: readonly T[], query?: Query<T>): ApiResponse {
  const { found, ...rest } = listOf(call, all, query);
  return { status: 200, body: found, ...rest };
}

/** Date.parse() alone takes almost any text with a number in it. */
function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text));
}

function wholeNumber(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null || text === '') return fallback;
  if (!/^\d+$/.test(text)) throw invalid({ [name]: 'must be a whole number' });
  return Number(text);
}
