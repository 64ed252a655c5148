import { writeFile } from 'node:fs/promises';
import { workflowBundlePath } from './bundle-path.ts';
import { bundleWorkflows } from './bundle-workflows.ts';

/**
 * Bundles the workflows once, when the project is built, so that a worker starts without doing it and
 * every worker of a build runs the same code.
 */
await writeFile(workflowBundlePath, await bundleWorkflows());
