// `npm run bench`: everything in one run, in pairs, as ratios. Prints tables in Markdown and writes bench/results.json.
// Takes about five minutes. Absolute times are told in the JSON only: they say more of the machine than of the code.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, platform, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { stopAll } from './processes.js';
import { rotation } from './rotation.js';
import { startUp } from './start-up.js';
import { storms } from './storms.js';
import { throughExpress } from './through-express.js';
import { throughput } from './throughput.js';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const machine = `Node ${process.version}, ${platform()} ${release()}, ${cpus().length} cores`;

try {
  console.log(`${new Date().toISOString().slice(0, 10)}, ${machine}, ${ROUNDS} rounds; median (quartiles)\n`);
  const parts = {
    throughput: await told('Calls a second, as a ratio to bare Axios', () => throughput(ROUNDS)),
    throughExpress: await told('Through an Express server', () => throughExpress(ROUNDS)),
    storms: await told('Storms', storms),
    rotation: await told('Latency around a rotation', () => rotation(ROUNDS)),
    startUp: await told('Start-up', async () => startUp(ROUNDS)),
    heapPerToken: heapPerToken(),
  };
  const file = fileURLToPath(new URL('../results.json', import.meta.url));
  writeFileSync(file, `${JSON.stringify({ at: new Date(), machine, rounds: ROUNDS, ...parts }, null, 2)}\n`);
} finally {
  stopAll();
}

async function told<T>(title: string, part: () => Promise<{ results: T; text: string }>): Promise<T> {
  const { results, text } = await part();
  console.log(`### ${title}\n\n${text}\n`);
  return results;
}

function heapPerToken(): string {
  const program = fileURLToPath(new URL('memory.ts', import.meta.url));
  const text = execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', program], {
    encoding: 'utf8',
  });
  console.log(text);
  return text.trim();
}
