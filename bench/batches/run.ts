// `npm run bench:batches`: batches of calls under a rate limit. Takes about nine minutes; with words, only the rows
// whose titles contain one of them: `npm run bench:batches -- POSTs accounts`.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Figures, ServerSettings } from './settings.js';

interface Row {
  readonly title: string;
  /** What is to be reached. */
  readonly goal: string;
  readonly way?: string;
  readonly work?: string;
  readonly calls?: number;
  readonly method?: string;
  readonly processes?: number;
  readonly server?: ServerSettings;
}

const upTo = (most: number) => `0 failed, time ≤ ${most.toFixed(2)}, requests ≤ 2.1`;
const rows: readonly Row[] = [
  { title: '1,000 GETs, sliding window', goal: upTo(1.1) },
  { title: '1,000 GETs, fixed window', goal: upTo(1.1), server: { kind: 'fixed window' } },
  { title: "1,000 GETs, bucket with a second's burst", goal: upTo(1.1), server: { kind: 'bucket' } },
  { title: '1,000 GETs, bucket with a fifth of that', goal: upTo(2), server: { kind: 'small bucket' } },
  { title: '1,000 GETs, 100 ms of latency', goal: upTo(1.3), server: { latencyMs: 100 } },
  { title: '1,000 GETs, and again within the minute', goal: 'requests ≤ 2.1 + 1.05', work: 'twice' },
  { title: '300 keyed POSTs', goal: '0 failed, each made once', calls: 300, method: 'keyed post' },
  { title: '200 POSTs without a key', goal: '0 failed, each made once', calls: 200, method: 'post' },
  { title: '200 GETs at 10 a second', goal: '0 failed', calls: 200, server: { rate: 10 } },
  {
    title: '1,000 GETs, { requestsPerSecond: 40 }',
    goal: 'no 429, time ≤ 1.06',
    way: 'req.moov, 40 a second',
  },
  {
    title: '1,000 GETs, the same, with a first token that takes 2 s',
    goal: 'no 429, time ≤ 1.06 (+ 0.08 of token)',
    way: 'req.moov, 40 a second, first token awaited by the calls',
    server: { tokenDelayMs: 2_000 },
  },
  {
    title: 'four processes with 250 GETs each',
    goal: '0 failed, time ≤ 1.30, slowest ≤ 2',
    calls: 250,
    processes: 4,
  },
  {
    title: '5,000 GETs at once, 30 s each',
    goal: 'done ≥ 1,080, 95 % of refusals ≤ 3 s',
    work: 'flood',
    calls: 5_000,
  },
  { title: 'the same, bare Axios', goal: '', work: 'flood', way: 'axios', calls: 5_000 },
  {
    title: 'a GET every 50 ms during 1,000 in the background',
    goal: 'median ≤ 100 ms, worst ≤ 1,300 ms',
    work: 'background job',
  },
  { title: 'two accounts, one over its limit', goal: 'as without', work: 'two accounts' },
  {
    title: 'one endpoint that always answers 429',
    goal: 'as without',
    work: 'poisoned',
    server: { rate: 4_000 },
  },
  {
    title: 'the limit raised from 10 to 80',
    goal: '64 a second within 20 s',
    work: 'raised',
    calls: 1_200,
    server: { rate: 10, raised: { to: 80, afterMs: 10_000 } },
  },
  {
    title: 'no limit, adaptive to rateLimit: false',
    goal: '≤ 1.02',
    work: 'cost',
    calls: 2_000,
    server: { rate: 0 },
  },
  { title: '1,000 GETs, rateLimit: false', goal: '', way: 'req.moov, rateLimit: false' },
  { title: '1,000 GETs, axios + axios-retry', goal: '', way: 'axios + axios-retry' },
  { title: '1,000 GETs, axios + p-queue', goal: '', way: 'axios + p-queue' },
  { title: '1,000 GETs, axios + p-throttle', goal: '', way: 'axios + p-throttle' },
];

const words = process.argv.slice(2);
const chosen = rows.filter(({ title }) => words.length === 0 || words.some((word) => title.includes(word)));
console.log('| work | must reach | measured |');
console.log('|---|---|---|');
for (const row of chosen) console.log(`| ${row.title} | ${row.goal} | ${described(await measure(row))} |`);

async function measure(row: Row): Promise<Figures> {
  const { way = 'req.moov', work = 'batch', calls = 1_000, method = 'get', processes = 1, server = {} } = row;
  const sandbox = start('sandbox.ts', server);
  const [{ url }] = await once(sandbox, 'message');
  const workers = Array.from({ length: processes }, () =>
    start('worker.ts', { way, work, calls, method, url }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  sandbox.send('begin');
  const results = await Promise.all(workers.map((worker) => ask(worker, 'go')));
  const { requests = 0, made = 0 } = await ask(sandbox, 'counts');
  for (const child of [sandbox, ...workers]) child.kill();
  if (work !== 'batch' && work !== 'twice') return results[0] ?? {};
  const all = calls * processes * (work === 'twice' ? 2 : 1);
  const times = results.map(({ ms = 0 }) => ms);
  return {
    failed: results.reduce((sum, { failed = 0 }) => sum + failed, 0),
    'time / limit': Math.max(...times) / (((calls * processes) / (server.rate ?? 40)) * 1_000),
    'requests / calls': (requests / all) * (work === 'twice' ? 2 : 1),
    'made / calls': made / all,
    ...(processes > 1 ? { 'slowest / fastest': Math.max(...times) / Math.min(...times) } : {}),
  };
}

function described(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(3)}`)
    .join('; ');
}

function start(file: string, settings: object): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return fork(path, [JSON.stringify(settings)], { execArgv: ['--import', 'tsx'] });
}

/** What a child answers. */
async function ask(child: ChildProcess, question: string): Promise<Figures> {
  const answer = once(child, 'message');
  child.send(question);
  const [figures] = await answer;
  return figures;
}
