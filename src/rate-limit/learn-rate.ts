import { WINDOW_MS } from './turn-window.js';

/** What is left of the rate after a 429 that no raise explains: others use the limit too. */
const DECREASE = 0.9;

/** A 429 so soon after a hold is one for what went at once. */
const BURST_MS = 300;

/** What is known when a hold ends, of the time from the end of the one before to the 429. */
export interface Round {
  /** The rate that calls went at. */
  readonly rate: number;
  /** The rate and the burst that were seen to pass before. */
  readonly known: number;
  readonly burst: number;
  /** Whether calls went evenly rather than at once. */
  readonly isPaced: boolean;
  /** Whether the rate was above the known one. */
  readonly isTesting: boolean;
  readonly tookMs: number;
  /** How many passed, or ended without a response, as Moov may have counted those. */
  readonly passed: number;
  /** How many of them in its last second, and after the 429. */
  readonly passedInSecond: number;
  /** How many might go at once when it began. */
  readonly savedUp: number;
}

/** Derives the rate and the burst that pass, from what did. */
export function learnRate(round: Round): { known: number; burst: number } {
  const { known, burst } = learn(round);
  const rate = Math.max(1, known);
  return { known: rate, burst: Math.max(1, Math.min(burst, rate)) };
}

function learn(round: Round): { known: number; burst: number } {
  const { rate, known, burst, isPaced, isTesting, tookMs, passed, savedUp } = round;
  // Fewer passed than went at once.
  if (tookMs < BURST_MS && passed < savedUp + (isPaced ? 2 : 0)) {
    if (isPaced) return { known: Math.min(known, rate) * DECREASE, burst: passed / 2 };
    const most = Math.max(passed, burst / 2);
    return { known: most, burst: most };
  }
  // Not less than a quarter at a time: a process that stood still has seen little.
  const passing = Math.max(rate / 4, Math.min(rate, passingRate(round)));
  return { known: isTesting ? Math.max(known, passing) : Math.min(rate * DECREASE, passing), burst };
}

function passingRate({ burst, isPaced, tookMs, passed, passedInSecond, savedUp }: Round): number {
  if (!isPaced) return passedInSecond;
  // A bucket had some tokens in it at first, which are not a part of the rate.
  if (tookMs >= WINDOW_MS) return passedInSecond - burst / 4;
  return Math.max(passedInSecond, ((passed - savedUp) / tookMs) * 1000);
}
