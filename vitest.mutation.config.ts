import { defineConfig } from 'vitest/config';

// The tests that mutants meet; TESTS narrows them to those of the file that is mutated, so that a run ends soon. NAMES, a
// regular expression, narrows them to those with such names.
export default defineConfig({
  test: {
    include: (process.env.TESTS ?? 'test/{client,tokens,stores}/*.test.ts').split(' '),
    exclude: ['test/client/cost.test.ts', 'test/stores/redis.test.ts', 'test/tokens/outage.test.ts'],
    // One transport is enough here, and a thousand calls for each mutant are too many.
    testNamePattern: new RegExp(process.env.NAMES ?? '^(?!.*(\\baxios\\b|1,000))'),
    testTimeout: 20_000,
  },
});
