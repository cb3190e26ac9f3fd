import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Summary, shown, summary, table } from './statistics.js';

const own = fileURLToPath(new URL('../../dist/esm/index.js', import.meta.url));

/** Modules that are loaded, and what is done then. */
const programs: Readonly<Record<string, { modules: readonly string[]; after?: string }>> = {
  'node alone': { modules: [] },
  // What an Express server that calls Moov has loaded in any case.
  "import 'axios' and 'express'": { modules: ['axios', 'express'] },
  "the same and 'zod', which this package checks options with": { modules: ['axios', 'express', 'zod'] },
  "import 'express-moov-auth'": { modules: [own] },
  'the same, and the first moovAuth()': {
    modules: [own],
    // Nothing listens there.
    after:
      "loaded[0].moovAuth('/ping.read', { clientId: 'a', clientSecret: 'b', baseURL: 'http://127.0.0.1:9' });",
  },
  "import '@moovio/sdk'": { modules: ['@moovio/sdk'] },
};

const reference = "import 'axios' and 'express'";

export interface StartUp {
  what: string;
  /** The time to `axios` and `express` alone, in the same round. */
  ratio: Summary;
  seconds: Summary;
  megabytes: Summary;
}

/** The time and the memory of a process that imports modules and ends. */
export function startUp(rounds: number): { results: StartUp[]; text: string } {
  const seconds = new Map<string, number[]>();
  const megabytes = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [what, { modules, after = '' }] of Object.entries(programs)) {
      const load = modules.map((name) => `await import(${JSON.stringify(name)})`).join(', ');
      const program = `const loaded = [${load}]; ${after} process.stdout.write(String(process.memoryUsage().rss), () => process.exit())`;
      const began = performance.now();
      const rss = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      add(seconds, what, (performance.now() - began) / 1_000);
      add(megabytes, what, Number(rss) / 1_048_576);
    }
  }
  const known = seconds.get(reference) ?? [];
  const results = Object.keys(programs).map((what) => {
    const own = seconds.get(what) ?? [];
    const ratios = own.map((value, round) => value / (known[round] ?? Number.NaN));
    return {
      what,
      ratio: summary(ratios),
      seconds: summary(own),
      megabytes: summary(megabytes.get(what) ?? []),
    };
  });
  const rows = results.map(({ what, ratio, seconds, megabytes }) => [
    what,
    shown(ratio),
    shown(seconds),
    shown(megabytes, 0),
  ]);
  return { results, text: table(['', 'to axios and express', 'seconds', 'MB'], rows) };
}

function add(to: Map<string, number[]>, what: string, value: number): void {
  to.set(what, [...(to.get(what) ?? []), value]);
}
