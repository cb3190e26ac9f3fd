/** Further apart, two names have nothing to do with each other; in a short one a third of it is the limit. */
const MOST_EDITS = 2;

/**
 * For a message on unknown names: those of the known ones that were likely meant.
 *
 * @returns `Did you mean "accountID"? ` with the space after it, or the empty string.
 */
export function didYouMean(unknown: readonly string[], known: readonly string[]): string {
  const meant = unknown.map((name) => nearest(name, known)).filter((name) => name !== undefined);
  return meant.length === 0 ? '' : `Did you mean ${meant.map((name) => `"${name}"`).join(', ')}? `;
}

/** The known name with the fewest edits, upper and lower case being the same. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.min(MOST_EDITS, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > MOST_EDITS) continue;
    const count = edits(name.toLowerCase(), candidate.toLowerCase());
    if (count >= fewest) continue;
    fewest = count;
    best = candidate;
  }
  return best;
}

/** How many letters are to be put in, taken out or changed (Levenshtein's distance), row by row. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let at = 0; at < to.length; at++) {
      const changed = (row[at] ?? 0) + (letter === to[at] ? 0 : 1);
      next.push(Math.min(changed, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
