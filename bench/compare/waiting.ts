import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Upstream } from './processes.js';
import { progress } from './progress.js';
import { type Summary, shown, summary, table } from './statistics.js';

const ROUNDS = 3;

export interface Waiting {
  way: string;
  /** KiB for each call. */
  heap: Summary;
  /** The same of the whole process, with what is outside of the heap. */
  all: Summary;
}

/** What 10,000 calls take that wait for one token, against 10,000 of bare Axios in flight. */
export async function waiting(): Promise<{ results: Waiting[]; text: string }> {
  const upstream = await Upstream.start();
  await upstream.order('hold');
  const program = fileURLToPath(new URL('waiting-calls.ts', import.meta.url));
  const results: Waiting[] = [];
  for (const way of ['bare axios', 'req.moov']) {
    progress(`10,000 waiting calls of ${way}`);
    const heap: number[] = [];
    const all: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const args = ['--expose-gc', '--import', 'tsx', program, way, upstream.url];
      const bytes: { heap: number; all: number } = JSON.parse(
        execFileSync(process.execPath, args, { encoding: 'utf8' }),
      );
      heap.push(bytes.heap / 1_024);
      all.push(bytes.all / 1_024);
    }
    results.push({ way, heap: summary(heap), all: summary(all) });
  }
  const rows = results.map(({ way, heap, all }) => [way, shown(heap, 1), shown(all, 1)]);
  return { results, text: table(['10,000 waiting calls', 'KiB of heap each', 'KiB in all each'], rows) };
}
