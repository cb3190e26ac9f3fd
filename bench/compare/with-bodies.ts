import { bodies, bodyContestant } from './bodies.js';
import { Upstream, Worker } from './processes.js';
import { progress } from './progress.js';
import { type Summary, shown, summary, table } from './statistics.js';

const SLICE_MS = 400;
/** Small bodies are sent by many at once, files by one. */
const inFlightOf = (body: string) => (body.includes('MiB') ? 1 : 50);

export interface WithBodies {
  body: string;
  /** Calls a second, to bare Axios in the same round. */
  ratio: Summary;
  /** Calls a second of processor time, likewise. */
  byProcessor: Summary;
  /** The most memory that the process had, to that of bare Axios's. */
  peakMemory: number;
  failures: number;
}

/** Larger requests and responses, of `req.moov` against bare Axios. Each has a process of its own for each of them. */
export async function withBodies(rounds: number): Promise<{ results: WithBodies[]; text: string }> {
  const upstream = await Upstream.start();
  const results: WithBodies[] = [];
  for (const body of Object.keys(bodies)) {
    progress(body);
    const theirs = await Worker.start(bodyContestant('bare axios', body), upstream.url);
    const ours = await Worker.start(bodyContestant('req.moov', body), upstream.url);
    const task = { inFlight: inFlightOf(body), ms: SLICE_MS };
    const ratios: number[] = [];
    const byProcessor: number[] = [];
    const peaks = new Map<Worker, number>();
    let failures = 0;
    for (let round = -1; round < rounds; round++) {
      const rates = new Map<Worker, number>();
      const perProcessor = new Map<Worker, number>();
      for (const worker of round % 2 === 0 ? [theirs, ours] : [ours, theirs]) {
        const done = await worker.perform(task);
        rates.set(worker, done.calls / done.ms);
        perProcessor.set(worker, done.calls / done.cpuMs);
        peaks.set(worker, done.peakBytes);
        failures += done.failures;
      }
      // The first round warms up.
      if (round < 0) continue;
      ratios.push((rates.get(ours) ?? 0) / (rates.get(theirs) ?? 0));
      byProcessor.push((perProcessor.get(ours) ?? 0) / (perProcessor.get(theirs) ?? 0));
    }
    for (const worker of [ours, theirs]) worker.stop();
    const peakMemory = (peaks.get(ours) ?? 0) / (peaks.get(theirs) ?? 0);
    results.push({ body, ratio: summary(ratios), byProcessor: summary(byProcessor), peakMemory, failures });
  }
  const rows = results.map(({ body, ratio, byProcessor, peakMemory, failures }) => [
    body,
    shown(ratio),
    shown(byProcessor),
    peakMemory.toFixed(2),
    String(failures),
  ]);
  return {
    results,
    text: table(
      ['req.moov to bare axios', 'calls a second', 'a second of processor time', 'peak memory', 'failed'],
      rows,
    ),
  };
}
