const began = performance.now();

/** Says on stderr what is being measured, and how long the run has taken so far; stdout holds the tables alone. */
export function progress(what: string): void {
  const seconds = Math.round((performance.now() - began) / 1_000);
  console.error(`${String(seconds).padStart(4)} s  ${what}`);
}
