import { expect, it } from 'vitest';
import { full } from '../helpers/full.js';
import { runSchedule } from './schedule.js';

// `SCHEDULES=2000 npx vitest run test/tokens/schedules.test.ts` runs more of them, and `SEED=7` those from 7 on.
const schedules = Number(process.env.SCHEDULES ?? (full ? 40 : 16));
const firstSeed = Number(process.env.SEED ?? 1);
const AT_ONCE = 8;

it(`leaves no valid token, no waiting promise and no later call after any of ${schedules} schedules`, {
  timeout: 60_000 + schedules * 1_000,
}, async () => {
  const seeds = Array.from({ length: schedules }, (_, index) => firstSeed + index);
  const failed: object[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        const { faults, operations } = await runSchedule(seed);
        if (faults.length > 0) failed.push({ seed, faults, operations });
      }
    }),
  );
  expect(failed).toEqual([]);
});
