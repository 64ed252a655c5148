import type { BatchInfo } from '../domain/batch-info.ts';
import { SluiceError } from '../domain/errors.ts';
import { scanResults } from '../storage/results-scan.ts';
import type { Store } from '../storage/store.ts';
import { displayPath } from './batch-report.ts';

/** What submitting to a directory comes to. */
export interface RunPlan {
  batchId: string;
  /** Go on with the batch that is there. */
  reopen: boolean;
  /** Take the directory over from the batch that is there. */
  replace: boolean;
  /** Sequence number of the first result of this run. */
  fromRow: number;
}

/**
 * What to do with a directory whose batch, if any, does not run.
 * @throws SluiceError OUTPUT_EXISTS if it holds one and `resume` does not say what to do with it
 */
export async function planRun(
  store: Store,
  earlier: BatchInfo | null,
  resume: boolean | undefined,
  freshId: string,
): Promise<RunPlan> {
  if (earlier === null) return { batchId: freshId, reopen: false, replace: false, fromRow: 0 };
  const { rows, begun } = await countResults(store);
  // Submitted but never started: the command died in between.
  if (earlier.summary === null && !begun) {
    return { batchId: earlier.batch_id, reopen: false, replace: false, fromRow: 0 };
  }
  if (resume === true) return { batchId: earlier.batch_id, reopen: true, replace: false, fromRow: rows };
  if (resume === false) return { batchId: freshId, reopen: false, replace: true, fromRow: 0 };
  const state = earlier.summary === null ? 'unfinished' : 'finished';
  throw new SluiceError('OUTPUT_EXISTS', `${displayPath(store.uri)} holds the ${state} batch ${earlier.batch_id}.`);
}

async function countResults(store: Store): Promise<{ rows: number; begun: boolean }> {
  const { rows, nextPart } = await scanResults(store, 0);
  if (nextPart > 0) return { rows, begun: true };
  for await (const _ of store.list('metadata/')) return { rows, begun: true };
  return { rows, begun: false };
}
