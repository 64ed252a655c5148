import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { workflowBundlePath } from './bundle-path.ts';

/**
 * Bundles the workflows once, when the project is built, so that a worker starts without doing it and
 * every worker of a build runs the same code.
 */
const workflowsPath = fileURLToPath(import.meta.resolve('../workflows/index.js'));
const quiet = { trace: skip, debug: skip, info: skip, warn: console.warn, error: console.error, log: skip };
const { code } = await bundleWorkflowCode({ workflowsPath, logger: quiet });
await writeFile(workflowBundlePath, code);

function skip(): void {
  // Progress of the bundler is of no interest in a build that goes well.
}
