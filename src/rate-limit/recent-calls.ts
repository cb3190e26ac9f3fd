import { WINDOW_MS } from './turn-window.js';

/** More than these in a second are not counted: no limit of Moov's is that high. */
const MOST = 4_096;

/** The calls that were answered in the last second, of which a 429 asks how many there were. Adding one costs next to nothing. */
export class RecentCalls {
  readonly #times = new Float64Array(MOST);
  readonly #accounts: string[] = [];
  readonly #paths: string[] = [];
  #next = 0;

  add(now: number, account: string, path: string): void {
    const index = this.#next;
    this.#times[index] = now;
    this.#accounts[index] = account;
    this.#paths[index] = path;
    this.#next = index + 1 === MOST ? 0 : index + 1;
  }

  /** The calls of an account, or of all, the oldest first. */
  since(now: number, account?: string): { times: number[]; paths: Set<string> } {
    const times: number[] = [];
    const paths = new Set<string>();
    for (let step = 0; step < MOST; step++) {
      const index = (this.#next + step) % MOST;
      const time = this.#times[index] ?? 0;
      const path = this.#paths[index];
      if (path === undefined || time <= now - WINDOW_MS) continue;
      if (account !== undefined && this.#accounts[index] !== account) continue;
      times.push(time);
      paths.add(path);
    }
    return { times, paths };
  }
}
