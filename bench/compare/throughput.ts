import { bare, contestants } from './contestants.js';
import { Upstream, Worker } from './processes.js';
import { type Summary, shown, summary, table } from './statistics.js';

const LEVELS = [1, 50, 200] as const;
const SLICE_MS = 500;

export interface Throughput {
  contestant: string;
  inFlight: number;
  /** To bare Axios in the same round. */
  ratio: Summary;
  perSecond: Summary;
  failures: number;
}

/** Calls a second of every contestant: each round runs all of them, one after another, in another order. */
export async function throughput(rounds: number): Promise<{ results: Throughput[]; text: string }> {
  const upstream = await Upstream.start();
  const names = Object.keys(contestants);
  const workers = new Map<string, Worker>();
  for (const name of names) workers.set(name, await Worker.start(name, upstream.url));
  const results: Throughput[] = [];
  for (const inFlight of LEVELS) {
    const rates = new Map<string, number[]>(names.map((name) => [name, []]));
    const failures = new Map<string, number>();
    for (let round = -1; round < rounds; round++) {
      const first = Math.max(0, round) % names.length;
      for (const name of [...names.slice(first), ...names.slice(0, first)]) {
        const done = await workers.get(name)?.perform({ inFlight, ms: SLICE_MS });
        // The first round warms up.
        if (done === undefined || round < 0) continue;
        rates.get(name)?.push((done.calls / done.ms) * 1_000);
        failures.set(name, (failures.get(name) ?? 0) + done.failures);
      }
    }
    const reference = rates.get(bare) ?? [];
    for (const contestant of names) {
      const own = rates.get(contestant) ?? [];
      const ratios = own.map((rate, round) => rate / (reference[round] ?? Number.NaN));
      results.push({
        contestant,
        inFlight,
        ratio: summary(ratios),
        perSecond: summary(own),
        failures: failures.get(contestant) ?? 0,
      });
    }
  }
  for (const worker of workers.values()) worker.stop();
  const rows = names.map((name) => [
    name,
    ...LEVELS.map((level) => {
      const found = results.find(({ contestant, inFlight }) => contestant === name && inFlight === level);
      return found === undefined ? '' : shown(found.ratio);
    }),
  ]);
  return { results, text: table(['', ...LEVELS.map((level) => `${level} in flight`)], rows) };
}
