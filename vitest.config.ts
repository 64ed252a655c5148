import { defineConfig } from 'vitest/config';

/** Tests that talk to the suite's own Temporal server. */
const onTemporal = ['workflows', 'activities', 'replay'].map((folder) => `test/${folder}/**/*.test.ts`);

/** Tests that run an engine of their own wait as much as they work, so three workers. No retries: a flaky test is a defect. */
export default defineConfig({
  test: {
    environment: 'node',
    maxWorkers: 3,
    retry: 0,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'main', include: ['test/**/*.test.ts'], exclude: onTemporal } },
      {
        extends: true,
        test: { name: 'temporal', include: onTemporal, globalSetup: ['test/support/temporal-server.ts'] },
      },
    ],
  },
});
