/** The most paths that are remembered of each kind. */
const MOST_PATHS = 1_000;

/** The most paths that may have limits of their own. When more are refused, the limit is that of the queue. */
const MOST_SUSPECTS = 4;

/** What happened from one hold to the next. */
interface Round {
  readonly passed: Set<string>;
  readonly refused: Set<string>;
}

/**
 * Which paths passed and which were refused under one limit, since the hold before the last one. It shows paths that
 * have a limit of their own: those that are refused again after a hold, and never pass, while others pass.
 */
export class PathHistory {
  #current: Round;
  #last: Round = round();
  /** Since the first hold. */
  readonly everRefused = new Set<string>();

  /** @param passed - The paths that passed before the first hold. */
  constructor(passed: Iterable<string> = []) {
    this.#current = round(passed);
  }

  /** A hold begins. */
  begin(): void {
    this.#last = this.#current;
    this.#current = round();
  }

  passed(path: string): void {
    add(this.#current.passed, path);
  }

  refused(path: string): void {
    add(this.#current.refused, path);
    add(this.everRefused, path);
  }

  /** Whether a path that is refused again seems to have a limit of its own. */
  isLimitOf(path: string): boolean {
    const passed = new Set([...this.#current.passed, ...this.#last.passed]);
    if (passed.size === 0 || passed.has(path)) return false;
    const refused = new Set([...this.#current.refused, ...this.#last.refused]);
    return [...refused].filter((other) => !passed.has(other)).length <= MOST_SUSPECTS;
  }
}

function round(passed: Iterable<string> = []): Round {
  return { passed: new Set(passed), refused: new Set() };
}

function add(paths: Set<string>, path: string): void {
  if (paths.size < MOST_PATHS) paths.add(path);
}
