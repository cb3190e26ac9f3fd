import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { full, rows } from '../helpers/full.js';
import { type Evidence, runChaos, type witnesses } from './run.js';
import {
  harmRate,
  overBudget,
  resolveRate,
  type Trial,
  withinBudget,
  withoutBudget,
  withoutTokens,
  withRateLimit,
} from './scenarios.js';
import { type Figures, type Verdict, verify } from './verify.js';

const chosen = process.env.CHAOS_SEED;
const drawn = chosen === undefined ? randomInt(2 ** 31) : Number(chosen);

/** The seeds of a test; or the one that was asked for. */
const seeds = (...fixed: number[]) => (chosen === undefined ? fixed : [drawn]);

/** A quick run makes fewer transfers, and only those that meet the most trouble. */
const inFull = (...fixed: number[]) => (full || chosen !== undefined ? seeds(...fixed) : []);
const mostTrouble: Trial = full ? withoutBudget : { ...withoutBudget, transfers: 200 };

async function trial(scenario: Trial, seed: number, transport: keyof typeof witnesses): Promise<Figures> {
  const evidence = await runChaos(scenario, seed, transport);
  const verdict = verify(evidence);
  const { figures } = verdict;
  const about = report(evidence, verdict);
  expect(verdict.contradictions, `the test contradicts itself; ${about}`).toEqual([]);
  expect(verdict.duplicates.length, about).toBe(0);
  expect(verdict.untruths.length, about).toBe(0);
  expect(harmRate(figures), `not enough chaos; ${about}`).toBeGreaterThanOrEqual(scenario.harm);
  expect(resolveRate(figures), `too few resolved; ${about}`).toBeGreaterThanOrEqual(scenario.floor);
  // Neither answer to "is it ambiguous?" may be right throughout, nor may nothing have come of a 409.
  expect(figures.rejectedAmbiguous, about).toBeGreaterThan(0);
  expect(figures.rejectedUnambiguous, about).toBeGreaterThan(0);
  expect(figures.resolvedByConflict, about).toBeGreaterThan(0);
  return figures;
}

function report({ scenario, seed, seconds, longestPauseMs }: Evidence, verdict: Verdict): string {
  const { duplicates, untruths, figures, faults } = verdict;
  return [
    `${scenario.name}; seed ${seed}. Again: FULL=1 CHAOS_SEED=${seed} npx vitest run test/chaos`,
    `${seconds.toFixed(1)} s, in which this process stood still for ${longestPauseMs.toFixed(0)} ms at the longest`,
    `resolved ${resolveRate(figures)}, harmed ${harmRate(figures)}`,
    `${JSON.stringify(figures)} ${JSON.stringify(Object.fromEntries(faults))}`,
    ...[...duplicates, ...untruths].slice(0, 5).map(({ what, story }) => `${what}\n${story}`),
  ].join('\n');
}

/** Behind a proxy that refuses, resets, stalls, cuts, loses and delays. What must hold is in verify.ts. */
describe.each(rows(['undici', 'axios'] as const))(
  'no transfer is made twice, and every call is told the truth, over %s',
  (transport) => {
    console.info(`chaos: CHAOS_SEED=${drawn}`);

    it.for(seeds(1, ...(full ? [drawn] : [])))(
      `${mostTrouble.name}: nine in ten resolve (seed %i)`,
      async (seed) => {
        const figures = await trial(mostTrouble, seed, transport);
        expect(figures.transfers).toBeGreaterThanOrEqual(mostTrouble.transfers);
        expect(figures.retriesDenied).toBe(0);
      },
    );

    it.for(inFull(drawn))(`${withinBudget.name}: nine in ten resolve (seed %i)`, async (seed) => {
      await trial(withinBudget, seed, transport);
    });

    it.for(inFull(4))(
      `${overBudget.name}: half resolve, at a fifth more requests at most (seed %i)`,
      async (seed) => {
        const figures = await trial(overBudget, seed, transport);
        expect(figures.retriesDenied).toBeGreaterThan(0);
      },
    );

    it.for(inFull(5))(`${withoutTokens.name}: calls go on when it is back (seed %i)`, async (seed) => {
      await trial(withoutTokens, seed, transport);
    });

    it.for(inFull(6))(`${withRateLimit.name}: a third resolve (seed %i)`, async (seed) => {
      await trial(withRateLimit, seed, transport);
    });
  },
);
