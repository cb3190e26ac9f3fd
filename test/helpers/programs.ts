import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

// The programs that some tests need. Those tests are skipped without, except in CI; missing-programs.ts says so at the
// end of a run.

/** Whether the tests against a real Redis can run. */
export const redisIsMissing = isMissing(
  'redis-server',
  spawnSync('redis-server', ['--version']).status !== 0,
);

export const chromiumPath = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)]
  .map((folder) => join(folder, 'chromium'))
  .find((path) => existsSync(path));

/** Whether the tests in a browser can run. */
export const chromiumIsMissing = isMissing('chromium', chromiumPath === undefined);

function isMissing(program: string, missing: boolean): boolean {
  if (missing && process.env.CI)
    throw new Error(`${program} is missing; in CI the tests that need it must not be skipped`);
  return missing;
}
