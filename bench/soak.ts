/**
 * `npm run soak`: the chaos tests for as long as one likes, with new seeds all the time. SOAK_SECONDS sets the time
 * (default 60), CHAOS_SEED the first seed. Exits with 1 when a transfer was made twice or a promise told an untruth.
 */
import { randomInt } from 'node:crypto';
import { runChaos } from '../test/chaos/run.js';
import { resolveRate, trials } from '../test/chaos/scenarios.js';
import { type Figures, verify } from '../test/chaos/verify.js';

const seconds = Number(process.env.SOAK_SECONDS ?? 60);
const firstSeed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31));
if (!(seconds > 0) || !Number.isSafeInteger(firstSeed)) {
  console.error('SOAK_SECONDS: expected seconds above 0. CHAOS_SEED: expected a whole number.');
  process.exit(1);
}

interface Totals {
  figures: Partial<Record<keyof Figures, number>>;
  faults: Map<string, number>;
  duplicates: number;
  untruths: number;
}

async function soak(): Promise<Totals> {
  const totals: Totals = { figures: {}, faults: new Map(), duplicates: 0, untruths: 0 };
  const until = performance.now() + seconds * 1_000;
  for (let round = 0; performance.now() < until; round++) {
    const trial = trials[round % trials.length];
    if (trial === undefined) break;
    const seed = firstSeed + round;
    // Each round has a sandbox, a proxy and a MoovAuth of its own, so that memory stays within bounds.
    const evidence = await runChaos(
      { ...trial, transfers: 2_000 },
      seed,
      round % 2 === 0 ? 'undici' : 'axios',
      until,
    );
    const { figures, faults, duplicates, untruths, contradictions } = verify(evidence);
    for (const [name, count] of Object.entries(figures) as [keyof Figures, number][]) {
      totals.figures[name] = (totals.figures[name] ?? 0) + count;
    }
    for (const [name, count] of faults) totals.faults.set(name, (totals.faults.get(name) ?? 0) + count);
    totals.duplicates += duplicates.length;
    totals.untruths += untruths.length + contradictions.length;
    const rate = figures.plain === 0 ? '-' : (100 * resolveRate(figures)).toFixed(1);
    console.info(
      `${trial.name}; seed ${seed}: ${figures.transfers} transfers in ${evidence.seconds.toFixed(1)} s, ${rate} % of the plain ones resolved`,
    );
    for (const { what, story } of [...duplicates, ...untruths].slice(0, 5))
      console.error(`${what}\n${story}`);
    for (const contradiction of contradictions.slice(0, 5)) console.error(contradiction);
  }
  return totals;
}

function print({ figures, faults, duplicates, untruths }: Totals): void {
  const injected = [...faults].sort(([one], [other]) => one.localeCompare(other));
  console.table({
    'transfers tried': figures.transfers,
    'calls of all kinds': figures.calls,
    attempts: figures.attempts,
    'attempts harmed': figures.harmedAttempts,
    'calls resolved': figures.resolved,
    'of these by a 409': figures.resolvedByConflict,
    'calls rejected, ambiguous': figures.rejectedAmbiguous,
    'calls rejected, not ambiguous': figures.rejectedUnambiguous,
    'retries over the budget': figures.retriesDenied,
    'faults injected': injected.reduce((sum, [, count]) => sum + count, 0),
    ...Object.fromEntries(injected.map(([name, count]) => [`  ${name}`, count])),
    DUPLICATES: duplicates,
    UNTRUTHS: untruths,
  });
}

const totals = await soak();
print(totals);
process.exit(totals.duplicates === 0 && totals.untruths === 0 ? 0 : 1);
