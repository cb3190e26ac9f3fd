import type { Scenario } from './run.js';
import type { Figures } from './verify.js';

/** A scenario, how much of its trouble must really have come about, and how much must be resolved in spite of it. */
export interface Trial extends Scenario {
  /** The least share of attempts that got no reply, or 429 or 5xx. */
  readonly harm: number;
  /** The least share of plain transfers that resolve, the doomed ones counted in. */
  readonly floor: number;
}

const rough = {
  timeoutMs: 5_000,
  attemptTimeoutMs: 1_000,
  faultRate: 0.25,
  refuseRate: 0.05,
  resetRate: 0.03,
  sandboxFaultRate: 0.03,
  doomRate: 0.04,
  tokenFaultRate: 0.2,
};

/** Every third attempt is harmed at least, and a call may retry three times, whatever the others do. */
export const withoutBudget: Trial = {
  ...rough,
  name: 'a third of the attempts harmed, no retry budget',
  transfers: 600,
  retryBudget: false,
  rateLimit: false,
  harm: 0.33,
  floor: 0.9,
};

/** As much as the budget is made for: it pays for retries of a fifth of the calls. */
export const withinBudget: Trial = {
  name: 'a tenth of the attempts harmed, default retry budget',
  transfers: 600,
  retryBudget: true,
  rateLimit: false,
  // On a machine that is busy with other tests too, waiting in line must not use up the budget.
  timeoutMs: 8_000,
  attemptTimeoutMs: 2_500,
  faultRate: 0.06,
  refuseRate: 0.02,
  resetRate: 0.02,
  sandboxFaultRate: 0.01,
  doomRate: 0.01,
  tokenFaultRate: 0.1,
  harm: 0.08,
  floor: 0.9,
};

/**
 * Far more than the budget is made for: with a third of the attempts harmed, two of three calls resolve at once, and
 * the budget pays for a retry of every fifth. Whoever fails beyond that is told so.
 */
export const overBudget: Trial = {
  ...rough,
  name: 'a third of the attempts harmed, default retry budget',
  transfers: 300,
  retryBudget: true,
  rateLimit: false,
  timeoutMs: 8_000,
  attemptTimeoutMs: 2_500,
  harm: 0.3,
  floor: 0.5,
};

/** For 1.5 s at a time there is no token and none is available. Calls without a token reject at once. */
export const withoutTokens: Trial = {
  ...rough,
  name: 'the token endpoint down now and then',
  transfers: 300,
  retryBudget: false,
  rateLimit: false,
  tokenOutage: true,
  harm: 0.25,
  floor: 0.6,
};

/**
 * A 429 at random says nothing of a rate, but is taken for one that does: calls are slowed down, and many that wait are
 * refused before they were sent.
 */
export const withRateLimit: Trial = {
  ...rough,
  name: 'a third of the attempts harmed, and a rate limit learned',
  transfers: 300,
  retryBudget: false,
  rateLimit: true,
  harm: 0.25,
  floor: 0.3,
};

export const trials: readonly Trial[] = [
  withoutBudget,
  withinBudget,
  overBudget,
  withoutTokens,
  withRateLimit,
];

export function resolveRate({ plain, resolvedPlain }: Figures): number {
  return resolvedPlain / plain;
}

export function harmRate({ attempts, harmedAttempts }: Figures): number {
  return harmedAttempts / attempts;
}
