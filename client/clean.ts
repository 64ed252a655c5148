import { rm } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { openStore } from '../storage/open-store.ts';
import { readBatchInfo } from './batch-info.ts';
import { listBatches } from './list.ts';
import { storeUriOf } from './submit.ts';

export interface CleanOptions {
  /** Only batches closed at least this long ago, milliseconds. */
  olderThanMs: number;
  /** Only tell what would be removed. @default false */
  dryRun?: boolean | undefined;
}

export interface CleanedBatch {
  batch_id: string;
  output: string;
  closed_at: string;
}

/**
 * Removes the directories of batches that have closed. A directory goes only if its batch_info.json says
 * that it is that batch's, so that one used for something else since then is left alone.
 */
export async function* cleanBatches(client: Client, options: CleanOptions): AsyncGenerator<CleanedBatch> {
  const before = Date.now() - options.olderThanMs;
  for await (const batch of listBatches(client)) {
    if (batch.closed_at === null || Date.parse(batch.closed_at) > before || batch.output === '') continue;
    const info = await readBatchInfo(openStore(storeUriOf(batch.output)));
    if (info?.batch_id !== batch.batch_id) continue;
    if (options.dryRun !== true) await rm(batch.output, { recursive: true, force: true });
    const { batch_id, output, closed_at } = batch;
    yield { batch_id, output, closed_at };
  }
}
