import { join } from 'node:path';

/** The bundle of a build lies beside the compiled code; sources use the one in `dist/`. */
export const workflowBundlePath = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, '..', 'dist', 'workflow-bundle.js')
  : join(import.meta.dirname, '..', 'workflow-bundle.js');
