/** What tells whether a thing belongs to a list with a filter of this value. */
type Filter<T> = (thing: T, value: string) => boolean;

/**
 * The part of a list that a query asks for: what passes its filters, then `count` things, 20 unless told and 200 at
 * most, after `skip`. A filter without a value is not applied.
 *
 * @param filters - By the name of the query parameter.
 */
export function listed<T>(
  all: readonly T[],
  query: URLSearchParams,
  filters: Readonly<Record<string, Filter<T>>>,
): T[] {
  const applied = Object.entries(filters).flatMap(([name, passes]) => {
    const value = query.getAll(name).join(',');
    return value === '' ? [] : [(thing: T) => passes(thing, value)];
  });
  const found = all.filter((thing) => applied.every((passes) => passes(thing)));
  const skip = naturalNumber(query.get('skip'), 0);
  return found.slice(skip, skip + Math.min(naturalNumber(query.get('count'), 20), 200));
}

function naturalNumber(text: string | null, fallback: number): number {
  return text !== null && /^\d+$/.test(text) ? Number(text) : fallback;
}
