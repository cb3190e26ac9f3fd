import { Upstream, Worker } from './processes.js';
import { quantile, type Summary, shown, summary, table } from './statistics.js';

const PER_SECOND = 300;
const SECONDS = 6;
const SHORT_LIFE_SECONDS = 2;

export interface Rotation {
  /** Tokens that live 2 s against one that lives for ever, in the same round. */
  p50Ratio: Summary;
  p99Ratio: Summary;
  renewals: number;
  failures: number;
}

/** What a renewal does to the latency of calls. */
export async function rotation(rounds: number): Promise<{ results: Rotation; text: string }> {
  const [rotating, steady] = [await Upstream.start(), await Upstream.start()];
  await rotating.order({ lifeSeconds: SHORT_LIFE_SECONDS });
  const name = 'req.moov (undici)';
  const [short, long] = [await Worker.start(name, rotating.url), await Worker.start(name, steady.url)];
  for (const worker of [short, long]) await worker.perform({ inFlight: 20, ms: 1_000 });
  const p50: number[] = [];
  const p99: number[] = [];
  let failures = 0;
  const before = await rotating.order('counts');
  const task = { perSecond: PER_SECOND, seconds: SECONDS };
  for (let round = 0; round < rounds; round++) {
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
  }
  const after = await rotating.order('counts');
  for (const worker of [short, long]) worker.stop();
  const renewals = after.tokenRequests - before.tokenRequests;
  const results = { p50Ratio: summary(p50), p99Ratio: summary(p99), renewals, failures };
  const text = table(
    ['', 'p50 ratio', 'p99 ratio', 'renewals', 'calls failed'],
    [
      [
        'tokens of 2 s against one for ever',
        shown(results.p50Ratio),
        shown(results.p99Ratio),
        String(renewals),
        String(failures),
      ],
    ],
  );
  return { results, text };
}
