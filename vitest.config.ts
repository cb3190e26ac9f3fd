import { configDefaults, defineConfig } from 'vitest/config';
import { full } from './test/helpers/full.js';
import { MissingPrograms } from './test/helpers/missing-programs.js';

/** Made of calls by the thousand, of which some are counted in a given time: they get the machine for themselves. */
const measured = ['test/chaos/*.test.ts', 'test/fleet/*.test.ts', 'test/client/cost.test.ts'];
/** Keep a core busy: they search whole heaps, compile programs and install packages. Those of a quick run also wait. */
const busy = [
  'test/security/*.test.ts',
  'test/package/*.test.ts',
  'test/docs/*.test.ts',
  'test/e2e/*.test.ts',
];
/** Run by `npm run test:all` alone: the packed package, and programs as a whole. */
const fullOnly = [
  'test/package/*.test.ts',
  'test/docs/blocks.test.ts',
  'test/e2e/*.test.ts',
  'test/fleet/*.test.ts',
];

export default defineConfig({
  test: {
    // Generous: it tells a test that hangs from one on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    exclude: [...configDefaults.exclude, ...(full ? [] : fullOnly)],
    reporters: ['default', new MissingPrograms()],
    // One group after the other, so that those with short time limits do not run beside those that keep cores busy.
    projects: [
      {
        extends: true,
        test: {
          name: 'behaviour',
          include: ['test/**/*.test.ts'],
          exclude: [...busy, ...measured],
          sequence: { groupOrder: 0 },
          // Most of the time is waiting: for time-outs, for other processes. Loading the modules takes more time than most
          // files, so a process runs many of them.
          maxWorkers: 6,
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'busy', include: busy, sequence: { groupOrder: 1 }, maxWorkers: full ? 2 : 3 },
      },
      {
        extends: true,
        test: { name: 'measured', include: measured, sequence: { groupOrder: 2 }, maxWorkers: 1 },
      },
    ],
    // `npm run coverage`. Of this process and its workers alone: what runs in processes of its own (the examples, the
    // demo, the packed package, programs in test/e2e) counts for nothing, so each figure is a lower bound.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95, branches: 95 },
    },
  },
});
