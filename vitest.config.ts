import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most of the time is waiting: for time-outs, for other processes.
    maxWorkers: 3,
    // Generous: it tells a test that hangs from one on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
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
