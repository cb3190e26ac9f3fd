// `npm run bench`: everything in one run, in pairs, as ratios, within six minutes. Prints tables in Markdown, and on stderr
// what it is at; writes bench/results.json, from which `npm run bench:report` makes docs/benchmarks.md and its chart.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, platform, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { stopAll } from './processes.js';
import { progress } from './progress.js';
import { rotation } from './rotation.js';
import { startUp } from './start-up.js';
import { storms } from './storms.js';
import { throughExpress } from './through-express.js';
import { throughput } from './throughput.js';
import { waiting } from './waiting.js';
import { withBodies } from './with-bodies.js';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const [load = 0] = loadavg();
const machine = [
  `Node ${process.version}`,
  `${platform()} ${release()}`,
  `${cpus().length} cores`,
  // Of what else ran, which figures of a shared machine cannot be read without.
  `load ${load.toFixed(1)} at the start`,
].join(', ');
const at = new Date().toISOString().slice(0, 10);
const tables: { title: string; text: string }[] = [];

try {
  console.log(`${at}, ${machine}, ${ROUNDS} rounds; median (quartiles)\n`);
  const parts = {
    throughput: await part('Calls a second', () => throughput(ROUNDS)),
    withBodies: await part('Larger requests and responses', () => withBodies(ROUNDS)),
    throughExpress: await part('Through an Express server', () => throughExpress(ROUNDS)),
    storms: await part('Token requests and failed calls', storms),
    rotation: await part('Latency around a renewal', rotation),
    waiting: await part('Memory of waiting calls', waiting),
    startUp: await part('Start-up', async () => startUp(ROUNDS)),
    heapPerToken: await part('Memory of tokens', async () => heapPerToken()),
  };
  const file = fileURLToPath(new URL('../results.json', import.meta.url));
  const results = { at, machine, rounds: ROUNDS, tables, ...parts };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  progress('done');
} finally {
  stopAll();
}

async function part<T>(title: string, measure: () => Promise<{ results: T; text: string }>): Promise<T> {
  progress(title);
  const { results, text } = await measure();
  tables.push({ title, text });
  console.log(`### ${title}\n\n${text}\n`);
  return results;
}

function heapPerToken(): { results: string; text: string } {
  const program = fileURLToPath(new URL('memory.ts', import.meta.url));
  const args = ['--expose-gc', '--import', 'tsx', program];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
  return { results: text, text };
}
