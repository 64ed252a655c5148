import { extname, join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

/** The code of the workflows as workers run it: one file, of the sources or of what they were compiled to. */
export async function bundleWorkflows(): Promise<string> {
  const pathOf = (name: string): string =>
    join(import.meta.dirname, '..', 'workflows', `${name}${extname(import.meta.filename)}`);
  const { code } = await bundleWorkflowCode({
    workflowsPath: pathOf('index'),
    workflowInterceptorModules: [pathOf('tracing')],
    logger: { trace: skip, debug: skip, info: skip, warn: console.warn, error: console.error, log: skip },
  });
  return code;
}

function skip(): void {
  // Progress of the bundler is of no interest when all goes well.
}
