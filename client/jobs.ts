import type { ItemStatus } from '../domain/result.ts';
import { openStore } from '../storage/open-store.ts';
import { readRows, scanResults } from '../storage/results-scan.ts';
import type { BatchHandle, FoundBatch } from './batch-handle.ts';
import { notFound } from './errors.ts';
import type { SequencedRow } from './watch.ts';

export interface JobsOptions {
  status?: ItemStatus | undefined;
  /** At most this many. @default all */
  limit?: number | undefined;
  /** Only those whose result has a higher number than this. @default all */
  after?: number | undefined;
  /** Every result there ever was, also of items that were run again since. @default the last of each item */
  attempts?: boolean | undefined;
}

/**
 * Results, with their numbers, of the items of a batch, the last of each, those not yet in a part included, in
 * the order they ended.
 */
export async function* listJobs(handle: BatchHandle, options: JobsOptions = {}): AsyncGenerator<SequencedRow> {
  const found = await handle.find();
  const storeUri = found?.storeUri;
  if (found === null || storeUri === undefined || storeUri === null) throw notFound(handle.batchId);
  let left = options.limit ?? Infinity;
  const after = options.after ?? -1;
  for await (const job of rowsOf(handle, storeUri, found, options.attempts === true)) {
    if (job.sequence <= after || (options.status !== undefined && job.row.status !== options.status)) continue;
    if (left-- <= 0) return;
    yield job;
  }
}

async function* rowsOf(
  handle: BatchHandle,
  storeUri: string,
  found: FoundBatch,
  attempts: boolean,
): AsyncGenerator<SequencedRow> {
  const store = openStore(storeUri);
  const progress = found.state === 'running' ? await handle.progress(0) : null;
  const recent = progress?.recent ?? [];
  const newer = new Set(recent.map((row) => row.request_id));
  // Parts may have been added since the answer; their rows are in `recent` already.
  const until = progress?.recentFrom ?? Infinity;
  const last = attempts ? null : await scanResults(store, found.total);
  for await (const { row, sequence } of readRows(store)) {
    if (sequence >= until) break;
    if (row === null) continue;
    const isOld = row.index >= 0 && last !== null && last.sequence[row.index] !== sequence;
    if (last !== null && (isOld || newer.has(row.request_id))) continue;
    yield { row, sequence };
  }
  for (const [place, row] of recent.entries()) yield { row, sequence: until + place };
}
