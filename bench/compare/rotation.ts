import { Upstream, Worker } from './processes.js';
import { progress } from './progress.js';
import { quantile, type Summary, shown, summary, table } from './statistics.js';

const PER_SECOND = 300;
const SECONDS = 6;
const ROUNDS = 3;
const SHORT_LIFE_SECONDS = 2;

export interface Ratio {
  overall: number;
  rounds: Summary;
}

export interface Rotation {
  /** Tokens that live 2 s against one that lives for ever: over all calls, and by round. */
  p50: Ratio;
  p99: Ratio;
  renewals: number;
  failures: number;
}

/** What a renewal does to the latency of calls. */
export async function rotation(): Promise<{ results: Rotation; text: string }> {
  const [rotating, steady] = [await Upstream.start(), await Upstream.start()];
  await rotating.order({ lifeSeconds: SHORT_LIFE_SECONDS });
  const name = 'req.moov (undici)';
  const [short, long] = [await Worker.start(name, rotating.url), await Worker.start(name, steady.url)];
  for (const worker of [short, long]) await worker.perform({ inFlight: 20, ms: 1_000 });
  const [p50, p99]: [number[], number[]] = [[], []];
  const [allShort, allLong]: [number[], number[]] = [[], []];
  let failures = 0;
  const before = await rotating.order('counts');
  const task = { perSecond: PER_SECOND, seconds: SECONDS };
  for (let round = 0; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    const order = round % 2 === 0 ? [short, long] : [long, short];
    const done = new Map<Worker, number[]>();
    for (const worker of order) {
      const result = await worker.perform(task);
      failures += result.failures;
      done.set(worker, result.latencies);
    }
    const [rotated, kept] = [done.get(short) ?? [], done.get(long) ?? []];
    p50.push(quantile(rotated, 0.5) / quantile(kept, 0.5));
    p99.push(quantile(rotated, 0.99) / quantile(kept, 0.99));
    allShort.push(...rotated);
    allLong.push(...kept);
  }
  const after = await rotating.order('counts');
  for (const worker of [short, long]) worker.stop();
  const renewals = after.tokenRequests - before.tokenRequests;
  const ratio = (p: number, rounds: readonly number[]): Ratio => ({
    overall: quantile(allShort, p) / quantile(allLong, p),
    rounds: summary(rounds),
  });
  const results = { p50: ratio(0.5, p50), p99: ratio(0.99, p99), renewals, failures };
  const text = table(
    ['', 'p50 ratio', 'p99 ratio', 'p99 ratio by round', 'renewals', 'calls failed'],
    [
      [
        'tokens of 2 s against one for ever',
        results.p50.overall.toFixed(2),
        results.p99.overall.toFixed(2),
        shown(results.p99.rounds),
        String(renewals),
        String(failures),
      ],
    ],
  );
  return { results, text };
}
