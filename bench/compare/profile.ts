// Prints where the time of calls on req.moov goes, by function: `tsx bench/compare/profile.ts [contestant]`.
import { Session } from 'node:inspector/promises';
import { contestants } from './contestants.js';
import { stopAll, Upstream } from './processes.js';

const MS = 4_000;
const IN_FLIGHT = 50;
const SHOWN = 40;

const name = process.argv[2] ?? 'req.moov (undici)';
const upstream = await Upstream.start();
const call = await contestants[name]?.(upstream.url);
if (call === undefined) throw new Error(`No contestant ${name}`);

async function load(ms: number): Promise<number> {
  const end = performance.now() + ms;
  let calls = 0;
  const loop = async () => {
    for (; performance.now() < end; calls++) await call?.();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  return calls;
}

await load(MS / 2);
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.start');
const calls = await load(MS);
const { profile } = await session.post('Profiler.stop');
const { nodes, samples = [], timeDeltas = [] } = profile;
const places = new Map(
  nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
    id,
    `${functionName || '(anonymous)'} ${url.replace(/^.*\/node_modules\//, '').replace(/^.*\/dist\//, 'dist/')}:${lineNumber + 1}`,
  ]),
);
const self = new Map<string, number>();
samples.forEach((id, at) => {
  const place = places.get(id) ?? '';
  self.set(place, (self.get(place) ?? 0) + (timeDeltas[at] ?? 0));
});
const total = [...self.values()].reduce((sum, time) => sum + time, 0);
console.log(`${name}: ${calls} calls; share of the time by function, the callers' own time not in it`);
for (const [place, time] of [...self].sort(([, a], [, b]) => b - a).slice(0, SHOWN)) {
  console.log(
    `${((time / total) * 100).toFixed(1).padStart(5)} %  ${((time / calls) | 0).toString().padStart(3)} us  ${place}`,
  );
}
stopAll();
process.exit();
