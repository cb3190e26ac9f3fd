import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Summary, shown, summary, table } from './statistics.js';

const modules = {
  'node alone': [],
  "import 'axios'": ['axios'],
  // What an Express server that calls Moov has loaded in any case.
  "import 'axios' and 'express'": ['axios', 'express'],
  "import 'express-moov-auth'": [fileURLToPath(new URL('../../dist/esm/index.js', import.meta.url))],
  "import '@moovio/sdk'": ['@moovio/sdk'],
};

export interface StartUp {
  what: string;
  seconds: Summary;
  megabytes: Summary;
}

/** The time and the memory of a process that imports a module and ends. */
export function startUp(rounds: number): { results: StartUp[]; text: string } {
  const seconds = new Map<string, number[]>();
  const megabytes = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [what, names] of Object.entries(modules)) {
      const load = names.map((name) => `await import(${JSON.stringify(name)});`).join(' ');
      const program = `${load} process.stdout.write(String(process.memoryUsage().rss))`;
      const began = performance.now();
      const rss = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        encoding: 'utf8',
      });
      add(seconds, what, (performance.now() - began) / 1_000);
      add(megabytes, what, Number(rss) / 1_048_576);
    }
  }
  const results = Object.keys(modules).map((what) => ({
    what,
    seconds: summary(seconds.get(what) ?? []),
    megabytes: summary(megabytes.get(what) ?? []),
  }));
  const rows = results.map((result) => [result.what, shown(result.seconds), shown(result.megabytes, 0)]);
  return { results, text: table(['', 'seconds', 'MB'], rows) };
}

function add(to: Map<string, number[]>, what: string, value: number): void {
  to.set(what, [...(to.get(what) ?? []), value]);
}
