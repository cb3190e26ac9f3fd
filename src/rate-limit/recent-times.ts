/** Times in ascending order, of which those that are older than some milliseconds are forgotten. */
export class RecentTimes {
  readonly #ms: number;
  #times: number[];
  /** How many at the front of the list are forgotten; they are removed many at once. */
  #first = 0;

  constructor(ms: number, times: readonly number[] = []) {
    this.#ms = ms;
    this.#times = [...times];
  }

  get size(): number {
    return this.#times.length - this.#first;
  }

  /** The time that was the n-th, from 0, of those that are left. */
  at(n: number): number | undefined {
    return this.#times[this.#first + n];
  }

  add(time: number): void {
    this.#times.push(time);
  }

  forget(now: number): void {
    while (this.#first < this.#times.length && (this.#times[this.#first] ?? 0) <= now - this.#ms)
      this.#first++;
    if (this.#first < 1_000 && this.#first < this.#times.length) return;
    this.#times = this.#times.slice(this.#first);
    this.#first = 0;
  }
}
