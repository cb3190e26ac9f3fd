// `npm run bench:report`: the chart and the tables of docs/benchmarks.md, from the last run of the benchmark.
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { drawChart, type Group } from './chart.js';

const summary = z.object({ median: z.number(), low: z.number(), high: z.number() });
const run = z.object({
  at: z.string(),
  machine: z.string(),
  rounds: z.number(),
  tables: z.array(z.object({ title: z.string(), text: z.string() })),
  throughput: z.object({
    contestants: z.array(z.object({ contestant: z.string(), inFlight: z.number(), ratio: summary })),
  }),
});

const here = (path: string) => new URL(path, import.meta.url);
const { at, machine, rounds, tables, throughput } = run.parse(
  JSON.parse(readFileSync(here('../../bench/results.json'), 'utf8')),
);

const levels = [...new Set(throughput.contestants.map(({ inFlight }) => inFlight))];
const groups: Group[] = levels.map((level) => ({
  title: `${level} in flight`,
  bars: throughput.contestants
    .filter(({ inFlight }) => inFlight === level)
    .map(({ contestant, ratio: { median: value, low, high } }) => ({
      label: contestant,
      value,
      low,
      high,
      isOwn: /moov\b|moovSdk/.test(contestant) && !contestant.startsWith('@'),
    })),
}));
const title = 'Small GETs a second, as a ratio to bare Axios; median, with quartiles';
writeFileSync(here('../benchmarks.svg'), drawChart(title, groups));

const page = here('../benchmarks.md');
const place = /(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)/s;
const text = readFileSync(page, 'utf8');
if (!place.test(text)) throw new Error('docs/benchmarks.md has no place for figures');
const figures = [
  `${at}. ${machine}. ${rounds} rounds; median (quartiles).`,
  ...tables.map((table) => `### ${table.title}\n\n${table.text}`),
].join('\n\n');
writeFileSync(
  page,
  text.replace(place, () => `\n${figures}\n\n`),
);
