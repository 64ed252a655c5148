import type { Client } from '@temporalio/client';
import type { RedriveSelector } from '../domain/batch.ts';
import { SluiceError } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import { openStore } from '../storage/open-store.ts';
import type { BatchHandle } from './batch-handle.ts';
import { readBatchInfo } from './batch-info.ts';
import { parseSpec, startBatch } from './submit.ts';

/**
 * Runs items again: the failed ones in a batch that runs; in one that has closed all that did not
 * succeed (or the chosen ones), as a new run of the same id. Items are null when that run counts them itself.
 */
export async function retryBatch(
  client: Client,
  batch: BatchHandle,
  mode: ProviderMode,
  selector: Omit<RedriveSelector, 'select'>,
): Promise<{ items: number | null }> {
  const found = await batch.find();
  const store = found?.storeUri == null ? null : openStore(found.storeUri);
  if (found === null || store === null) {
    throw new SluiceError('BATCH_NOT_FOUND', `There is no batch ${batch.batchId} in this engine.`);
  }
  if (found.state === 'running') {
    const { items } = await batch.redrive({ ...selector, select: 'failed' });
    if (items === 0) throw new SluiceError('NOTHING_TO_RETRY', `No failed item of ${batch.batchId} matches.`);
    return { items };
  }
  const info = await readBatchInfo(store);
  if (info === null) throw new SluiceError('BATCH_NOT_FOUND', `The directory of ${batch.batchId} is gone.`);
  if (info.mode === 'live' && mode === 'emulated') {
    throw new SluiceError('AUTH', 'This batch was run with Gemini itself, and there is no GEMINI_API_KEY now.');
  }
  const { spec, flow } = parseSpec(info.spec);
  if (found.state === 'completed') {
    const { counts } = await batch.summary();
    if (counts.failed + counts.cancelled === 0) {
      throw new SluiceError('NOTHING_TO_RETRY', `All items of ${batch.batchId} have succeeded.`);
    }
  }
  const { total, rejected, rows_per_part: rowsPerPart, name } = info.input;
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
      reopen: { selector: { ...selector, select: 'unfinished' }, countAsSkipped: false },
    },
    name,
  );
  return { items: null };
}
