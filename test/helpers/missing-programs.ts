import { readFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { chromiumIsMissing, redisIsMissing } from './programs.js';

const programs = [
  { name: 'Redis', flag: 'redisIsMissing', isMissing: redisIsMissing, get: 'apt-get install redis-server' },
  {
    name: 'Chromium',
    flag: 'chromiumIsMissing',
    isMissing: chromiumIsMissing,
    get: 'apt-get install chromium',
  },
];

/** Says at the end of a run, in one line, which tests were skipped for want of a program, and how to get it. */
export class MissingPrograms implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = programs
      .filter(({ isMissing }) => isMissing)
      .flatMap(({ name, flag, get }) => {
        const skipped = modules
          .filter((module) => readFileSync(module.moduleId, 'utf8').includes(flag))
          .flatMap((module) => [...module.children.allTests('skipped')]);
        return skipped.length === 0 ? [] : [`${skipped.length} tests that need ${name} (${get})`];
      });
    if (lines.length > 0) console.log(`\nSkipped: ${lines.join('; ')}.`);
  }
}
