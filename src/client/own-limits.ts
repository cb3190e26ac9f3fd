import type { Lane } from './lane.js';

/** So many paths at most are remembered of each kind. */
const MOST_PATHS = 1_000;

/** When more paths than these are refused, the limit is not theirs. */
const MOST_SUSPECTS = 4;

/** What was seen of a lane since a hold began. */
interface Round {
  readonly passed: Set<string>;
  readonly refused: Set<string>;
}

/**
 * Finds paths that have a limit of their own: those that are refused again after a hold, and never pass, while others
 * pass. They are held by themselves, so that one endpoint does not stop all others.
 */
export class OwnLimits {
  readonly #lanes = new Map<string, Lane>();
  readonly #rounds = new WeakMap<Lane, { current: Round; last: Round }>();

  lane(path: string): Lane | undefined {
    return this.#lanes.get(path);
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  has(lane: Lane): boolean {
    for (const own of this.#lanes.values()) if (own === lane) return true;
    return false;
  }

  /** @returns whether there was room for it. */
  add(path: string, lane: Lane): boolean {
    if (this.#lanes.size >= MOST_PATHS) return false;
    this.#lanes.set(path, lane);
    return true;
  }

  delete(path: string): void {
    this.#lanes.delete(path);
  }

  clear(): void {
    this.#lanes.clear();
  }

  /** A hold begins. @param passed - The paths that passed before, if it is the first hold. */
  beginRound(lane: Lane, passed: Iterable<string> = []): void {
    const last = this.#rounds.get(lane)?.current ?? { passed: new Set(passed), refused: new Set() };
    this.#rounds.set(lane, { current: { passed: new Set(), refused: new Set() }, last });
  }

  passed(path: string, lane: Lane): void {
    add(this.#rounds.get(lane)?.current.passed, path);
  }

  refused(path: string, lane: Lane): void {
    add(this.#rounds.get(lane)?.current.refused, path);
  }

  /** Whether all that were refused in a lane have limits of their own. */
  areAllOwn(lane: Lane): boolean {
    const rounds = this.#rounds.get(lane);
    if (rounds === undefined) return false;
    return [...rounds.current.refused, ...rounds.last.refused].every((path) => this.#lanes.has(path));
  }

  /** Whether a path that is refused again seems to have a limit of its own. */
  isOwn(path: string, lane: Lane): boolean {
    const rounds = this.#rounds.get(lane);
    if (rounds === undefined) return false;
    const passed = new Set([...rounds.current.passed, ...rounds.last.passed]);
    if (passed.size === 0 || passed.has(path)) return false;
    const suspects = [...rounds.current.refused, ...rounds.last.refused].filter(
      (other) => !passed.has(other),
    );
    return new Set(suspects).size <= MOST_SUSPECTS;
  }
}

function add(paths: Set<string> | undefined, path: string): void {
  if (paths !== undefined && paths.size < MOST_PATHS) paths.add(path);
}
