import { defineConfig } from 'vitest/config';

// The tests that mutants meet; TESTS narrows them to those of the file that is mutated, so that a run ends soon.
export default defineConfig({
  test: {
    include: (process.env.TESTS ?? 'test/{client,tokens,stores}/*.test.ts').split(' '),
    exclude: ['test/client/cost.test.ts', 'test/stores/redis.test.ts', 'test/tokens/outage.test.ts'],
    // One transport is enough here.
    testNamePattern: /^(?!.*\baxios\b)/,
    testTimeout: 20_000,
  },
});
