/**
 * Whether every row of every matrix runs, and the suites of whole programs: `npm run test:all` sets `FULL=1`. Without
 * it each claim is tested once, on the default transport and on Express 5. This is the one place that reads it.
 */
export const full = process.env.FULL === '1';

/** All rows in a full run, and the first ones in a quick one. */
export function rows<Row>(all: readonly Row[], quick = 1): readonly Row[] {
  return full ? all : all.slice(0, quick);
}
