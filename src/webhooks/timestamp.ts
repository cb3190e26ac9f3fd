const dateAndTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** From here on a number is one of milliseconds: as seconds it would be a time after the year 5000. */
const FIRST_OF_MILLISECONDS = 100_000_000_000;

/**
 * @param text - ISO 8601, as in Moov's published test vector, or a Unix time in seconds or milliseconds, as on other pages
 * of Moov.
 * @returns milliseconds since 1970, or `undefined`.
 */
export function parseTimestamp(text: string): number | undefined {
  if (/^\d{1,15}$/.test(text)) {
    const number = Number(text);
    return number < FIRST_OF_MILLISECONDS ? number * 1000 : number;
  }
  const time = dateAndTime.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
