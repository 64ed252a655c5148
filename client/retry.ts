import type { Client } from '@temporalio/client';
import type { RedriveSelector } from '../domain/batch.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import type { ModelsFile } from '../domain/models.ts';
import { redriveChange } from '../domain/redrive-change.ts';
import { selectorProblem } from '../domain/redrive.ts';
import { openStore } from '../storage/open-store.ts';
import { scanResults } from '../storage/results-scan.ts';
import type { Store } from '../storage/store.ts';
import type { BatchHandle } from './batch-handle.ts';
import { readBatchInfo, writeBatchInfo } from './batch-info.ts';
import { assertServed, type Given } from './modes.ts';
import { flowOfBatch } from './batch-flow.ts';
import { notFound } from './errors.ts';
import { assertNotElsewhere, engineMark, type OwnEngine } from './other-engine.ts';
import { startBatch } from './submit.ts';
import { takeTurn } from './submit-turn.ts';
import { eventsOf } from './event-targets.ts';

/** What is to be run again: what failed, or of the items named those that were rejected. */
type Selector = Omit<RedriveSelector, 'select'> & { select?: 'rejected' };

/** Who runs it again. */
export type RetryContext = Given & { engine: OwnEngine };

/** What a retry started. */
export interface Retried {
  /** How many items run again; null when the new run counts them itself. */
  items: number | null;
  /** Sequence number of the first result that comes of it. */
  fromRow: number;
}

/**
 * Runs items again: the failed ones in a batch that runs, or those that were rejected; in one that has closed all that
 * did not succeed (or the chosen ones), as a new run of the same id.
 */
export async function retryBatch(
  client: Client,
  batch: BatchHandle,
  given: RetryContext,
  selector: Selector,
): Promise<Retried> {
  const found = await batch.find();
  const store = typeof found?.storeUri !== 'string' ? null : openStore(found.storeUri);
  if (found === null || store === null) {
    throw notFound(batch.batchId);
  }
  if (found.state === 'running') return redriveRunning(batch, selector);
  const turn = await takeTurn(store.uri);
  try {
    // Somebody else may have opened it while his turn was waited for.
    const now = await batch.find();
    if (now?.state === 'running') return await redriveRunning(batch, selector);
    return await reopen(client, batch, given, selector, { store, completed: now?.state === 'completed' });
  } finally {
    turn.release();
  }
}

async function redriveRunning(batch: BatchHandle, selector: Selector): Promise<Retried> {
  const { recent, recentFrom } = await batch.progress();
  const { items } = await batch.redrive({ select: 'failed', ...selector });
  // What was rejected and is on its way already is none of the selected ones.
  if (items === 0 && selector.select === undefined) {
    throw new SluiceError('NOTHING_TO_RETRY', `No failed item of ${batch.batchId} matches.`);
  }
  return { items, fromRow: recentFrom + recent.length };
}

async function reopen(
  client: Client,
  batch: BatchHandle,
  given: RetryContext,
  selector: Selector,
  { store, completed }: { store: Store; completed: boolean },
): Promise<Retried> {
  const info = await readBatchInfo(store);
  if (info === null) throw new SluiceError('BATCH_NOT_FOUND', `The directory of ${batch.batchId} is gone.`);
  await assertNotElsewhere(store.uri, info, given.engine, true);
  const { spec } = info;
  const flow = await flowOfBatch(store, info.flow);
  assertServed(flow, info.mode, given);
  assertChange(selector, flow, given.models);
  let fromRow: number;
  if (completed) {
    const { counts, rows } = await batch.summary();
    fromRow = rows;
    if (counts.failed + counts.cancelled === 0 && selector.select === undefined) {
      throw new SluiceError('NOTHING_TO_RETRY', `All items of ${batch.batchId} have succeeded.`);
    }
  } else {
    fromRow = (await scanResults(store, 0)).rows;
  }
  const { total, rejected, rows_per_part: rowsPerPart, name } = info.input;
  const events = eventsOf(given.engine.home, spec);
  // Another home that looks at the directory meanwhile finds that the batch runs, and where.
  await writeBatchInfo(store, { ...info, engine: engineMark(given.engine), summary: null });
  try {
    await startBatch(
      client,
      {
        batchId: batch.batchId,
        storeUri: store.uri,
        mode: info.mode,
        spec,
        flow,
        input: { prefix: 'input', total, rowsPerPart },
        rejected,
        ...events,
        reopen: { selector: { ...selector, select: 'unfinished' }, countAsSkipped: false },
      },
      name,
    );
  } catch (error) {
    await writeBatchInfo(store, info);
    throw error;
  }
  return { items: null, fromRow };
}

/** The run that has been started could only pause and say so. Throws USAGE, UNKNOWN_MODEL, INVALID_INPUT. */
function assertChange(selector: Selector, flow: Flow, models: ModelsFile): void {
  const problem = selectorProblem(selector, flow);
  if (problem !== null) throw new SluiceError('USAGE', problem);
  redriveChange(selector, flow, models);
}
