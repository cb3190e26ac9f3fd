/** A name that is longer by more has another meaning: `retry` is no slip for `retryBudget`. */
const LONGEST_END = 3;

/**
 * The end of a message on unknown names: the known ones, and before them those that were likely meant, which differ in
 * case and punctuation alone, or in their ends, as without a unit or a plural.
 *
 * @returns such as `Did you mean "accountID"? Members are scopes, accountID.`
 */
export function didYouMean(
  unknown: readonly string[],
  known: readonly string[],
  what: 'Options' | 'Members' | 'There',
): string {
  const meant = unknown.flatMap((name) => known.find((candidate) => isSlip(name, candidate)) ?? []);
  const question = meant.length === 0 ? '' : `Did you mean ${meant.map((name) => `"${name}"`).join(', ')}? `;
  return `${question}${what} are ${known.join(', ')}.`;
}

function isSlip(name: string, candidate: string): boolean {
  const [shorter = '', longer = ''] = [letters(name), letters(candidate)].sort((a, b) => a.length - b.length);
  return shorter.length > 3 && longer.startsWith(shorter) && longer.length - shorter.length <= LONGEST_END;
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '');
}
