import { TestWorkflowEnvironment } from '@temporalio/testing';
import { temporalVersion } from './temporal-cache.ts';

/**
 * Program: `node download-temporal.js DIR` leaves Temporal's server as `DIR/temporal-v<version>`.
 * A process of its own, because the client cannot be asked to give up.
 */
const downloadDir = process.argv[2];
if (downloadDir === undefined) throw new Error('usage: download-temporal DIR');
try {
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'cached-download', downloadDir, version: `v${temporalVersion}`, ttl: '3650 days' },
    },
  });
  await environment.teardown();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
process.exit(0);
