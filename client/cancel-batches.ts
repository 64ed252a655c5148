import type { Client } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';
import { BatchHandle } from './batch-handle.ts';
import { listBatches, type BatchListEntry } from './list.ts';
import { anyCalled } from './prompts-under-way.ts';

/**
 * Cancels batches that have not closed, one after another, and yields each.
 *
 * @param which `queued`: only those of which nothing has run yet: no item has ended, and none has a prompt on
 * a GPU or has called its model
 */
export async function* cancelBatches(client: Client, which: 'queued' | 'all'): AsyncGenerator<BatchListEntry> {
  // Listed before the first is cancelled: pages of the list must not move under it.
  for (const entry of await Array.fromAsync(listBatches(client, { open: true }))) {
    const batch = new BatchHandle(client, entry.batch_id);
    try {
      if (which === 'queued' && (await hasBegun(client, batch))) continue;
      await batch.signal('cancel');
    } catch (error) {
      if (isOver(error)) continue;
      throw error;
    }
    yield entry;
  }
}

async function hasBegun(client: Client, batch: BatchHandle): Promise<boolean> {
  const { counts, running } = await batch.progress();
  if (counts.succeeded + counts.failed + counts.skipped > 0) return true;
  return anyCalled(client, batch.batchId, running);
}

/** It closed since it was listed. */
function isOver(error: unknown): boolean {
  return error instanceof SluiceError && (error.code === 'BATCH_NOT_RUNNING' || error.code === 'BATCH_NOT_FOUND');
}
