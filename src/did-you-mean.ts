/** A name that is longer by more has another meaning: `retry` is no slip for `retryBudget`. */
const LONGEST_END = 3;

/**
 * For a message on unknown names: those of the known ones that differ in case and punctuation alone, or in their ends,
 * as without a unit or a plural.
 *
 * @returns `Did you mean "accountID"? ` with the space after it, or the empty string.
 */
export function didYouMean(unknown: readonly string[], known: readonly string[]): string {
  const meant = unknown.flatMap((name) => known.find((candidate) => isSlip(name, candidate)) ?? []);
  return meant.length === 0 ? '' : `Did you mean ${meant.map((name) => `"${name}"`).join(', ')}? `;
}

function isSlip(name: string, candidate: string): boolean {
  const [shorter = '', longer = ''] = [letters(name), letters(candidate)].sort((a, b) => a.length - b.length);
  return shorter.length > 3 && longer.startsWith(shorter) && longer.length - shorter.length <= LONGEST_END;
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '');
}
