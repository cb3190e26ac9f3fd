// `npm run bench:batches`: batches of calls under a rate limit, each to the time that the limit allows at best.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

interface Batch {
  readonly title: string;
  readonly way?: string;
  readonly limit?: string;
  readonly rate?: number;
  readonly latencyMs?: number;
  readonly calls?: number;
  readonly method?: string;
  readonly processes?: number;
}

const batches: readonly Batch[] = [
  { title: '1,000 GETs, sliding window' },
  { title: '1,000 GETs, fixed window', limit: 'fixed' },
  { title: "1,000 GETs, bucket with a second's burst", limit: 'bucket' },
  { title: '1,000 GETs, bucket with a fifth of that', limit: 'small bucket' },
  { title: '1,000 GETs, sliding window, 100 ms of latency', latencyMs: 100 },
  { title: '200 POSTs without a key', calls: 200, method: 'post' },
  { title: '200 GETs at 10 a second', calls: 200, rate: 10 },
  { title: '1,000 GETs, { requestsPerSecond: 40 }', way: 'req.moov, 40 a second' },
  { title: 'four processes with 250 each', calls: 250, processes: 4 },
  { title: '1,000 GETs, rateLimit: false', way: 'req.moov, rateLimit: false' },
  { title: '1,000 GETs, axios with axios-retry', way: 'axios + axios-retry' },
];

console.log('| batch | failed | time / limit | requests / calls | slowest / fastest process | peak memory |');
console.log('|---|---|---|---|---|---|');
for (const batch of batches) console.log(await measure(batch));

async function measure(batch: Batch): Promise<string> {
  const { title, way = 'req.moov', limit = 'sliding', rate = 40, latencyMs = 0 } = batch;
  const { calls = 1_000, method = 'get', processes = 1 } = batch;
  const server = start('sandbox.ts', [limit, String(rate), String(latencyMs)]);
  const [{ url }] = await once(server, 'message');
  const workers = Array.from({ length: processes }, () =>
    start('worker.ts', [way, url, String(calls), method]),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const results = await Promise.all(workers.map((worker) => ask(worker)));
  const { requests } = await ask(server);
  for (const child of [server, ...workers]) child.kill();
  const times = results.map(({ ms = 0 }) => ms);
  const failed = results.reduce((sum, result) => sum + (result.failed ?? 0), 0);
  const all = calls * processes;
  const cells = [
    title,
    String(failed),
    (Math.max(...times) / ((all / rate) * 1_000)).toFixed(2),
    ((requests ?? 0) / all).toFixed(2),
    processes === 1 ? '' : (Math.max(...times) / Math.min(...times)).toFixed(2),
    `${Math.max(...results.map(({ peakMB = 0 }) => peakMB)).toFixed(0)} MB`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function start(file: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return fork(path, args, { execArgv: ['--import', 'tsx'] });
}

/** What a child says when it is asked. */
async function ask(child: ChildProcess): Promise<Partial<Record<string, number>>> {
  const reply = once(child, 'message');
  child.send('go');
  const [told] = await reply;
  return told;
}
