import { bare, contestants, pairs } from './contestants.js';
import { Upstream, Worker } from './processes.js';
import { progress } from './progress.js';
import { type Summary, shown, summary, table } from './statistics.js';

const LEVELS = [1, 50, 200] as const;
const SLICE_MS = 350;
const WARM_UP_CALLS = 2_000;

export interface Throughput {
  contestant: string;
  inFlight: number;
  /** To bare Axios in the same round. */
  ratio: Summary;
  perSecond: Summary;
  failures: number;
}

/** One of this package's ways to call Moov against its counterpart without the package, in the same rounds. */
export interface Pair {
  ours: string;
  theirs: string;
  inFlight: number;
  ratio: Summary;
  /** The same of calls a second of processor time. */
  byProcessor: Summary;
}

type Rates = ReadonlyMap<string, readonly number[]>;

/** Calls a second of every contestant: each round runs all of them, one after another, in another order. */
export async function throughput(
  rounds: number,
): Promise<{ results: { contestants: Throughput[]; pairs: Pair[] }; text: string }> {
  const upstream = await Upstream.start();
  const names = Object.keys(contestants);
  const started = names.map(async (name) => [name, await Worker.start(name, upstream.url)] as const);
  const workers = new Map(await Promise.all(started));
  // The engine optimises what has run often, which on a busy machine takes longer than a round.
  for (const worker of workers.values())
    await worker.perform({ inFlight: 50, ms: 0, atLeast: WARM_UP_CALLS });
  const results: Throughput[] = [];
  const compared: Pair[] = [];
  for (const inFlight of LEVELS) {
    progress(`${names.length} ways to call Moov, ${inFlight} in flight`);
    const { rates, perProcessor, failures } = await measure(workers, inFlight, rounds);
    for (const contestant of names) {
      results.push({
        contestant,
        inFlight,
        ratio: ratioOf(rates, contestant, bare),
        perSecond: summary(rates.get(contestant) ?? []),
        failures: failures.get(contestant) ?? 0,
      });
    }
    for (const [ours, theirs] of pairs) {
      const byProcessor = ratioOf(perProcessor, ours, theirs);
      compared.push({ ours, theirs, inFlight, ratio: ratioOf(rates, ours, theirs), byProcessor });
    }
  }
  for (const worker of workers.values()) worker.stop();
  const toBare = names.map((name) => [
    name,
    ...results.filter(({ contestant }) => contestant === name).map(({ ratio }) => shown(ratio)),
  ]);
  const inPairs = (of: 'ratio' | 'byProcessor') =>
    pairs.map(([ours, theirs]) => [
      `${ours} to ${theirs}`,
      ...compared.filter((pair) => pair.ours === ours).map((pair) => shown(pair[of])),
    ]);
  const levels = LEVELS.map((level) => `${level} in flight`);
  return {
    results: { contestants: results, pairs: compared },
    text: [
      table(['to bare axios', ...levels], toBare),
      table(['in pairs', ...levels], inPairs('ratio')),
      table(['in pairs, a second of processor time', ...levels], inPairs('byProcessor')),
    ].join('\n\n'),
  };
}

async function measure(workers: ReadonlyMap<string, Worker>, inFlight: number, rounds: number) {
  const names = [...workers.keys()];
  const rates = new Map<string, number[]>(names.map((name) => [name, []]));
  const perProcessor = new Map<string, number[]>(names.map((name) => [name, []]));
  const failures = new Map<string, number>();
  for (let round = -1; round < rounds; round++) {
    const first = Math.max(0, round) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const done = await workers.get(name)?.perform({ inFlight, ms: SLICE_MS });
      // The first round warms up.
      if (done === undefined || round < 0) continue;
      rates.get(name)?.push((done.calls / done.ms) * 1_000);
      perProcessor.get(name)?.push(done.calls / done.cpuMs);
      failures.set(name, (failures.get(name) ?? 0) + done.failures);
    }
  }
  return { rates, perProcessor, failures };
}

function ratioOf(rates: Rates, ours: string, theirs: string): Summary {
  const reference = rates.get(theirs) ?? [];
  return summary((rates.get(ours) ?? []).map((rate, round) => rate / (reference[round] ?? Number.NaN)));
}
