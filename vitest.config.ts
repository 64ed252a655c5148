import { defineConfig } from 'vitest/config';

/** Two workers: many tests run a Temporal server of their own. No retries: a flaky test is a defect. */
export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    maxWorkers: 2,
    retry: 0,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
