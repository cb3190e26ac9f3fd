/** A source of numbers from 0 to 1 that gives the same ones for the same seed. */
export type Random = () => number;

/** Tommy Ettinger's mulberry32. */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Numbers that belong to one thing of one run, such as the second attempt of the call 17. What befalls it so depends
 * on the seed alone, and not on the order in which fifty calls happen to reach the proxy.
 */
export function dice(seed: number, ...parts: readonly (string | number)[]): Random {
  // FNV-1a
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from([seed, ...parts].join('/'))) hash = Math.imul(hash ^ byte, 0x01000193);
  return mulberry32(hash);
}

/** One of the table's entries, each as likely as its weight says. */
export function pick<T>(random: Random, table: readonly (readonly [T, number])[]): T {
  let left = random() * table.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of table) {
    left -= weight;
    if (left < 0) return value;
  }
  const last = table.at(-1);
  if (last === undefined) throw new Error('there is nothing to pick from');
  return last[0];
}

export function between(random: Random, least: number, most: number): number {
  return least + random() * (most - least);
}
