import type { ItemStatus } from '../domain/result.ts';
import { openStore } from '../storage/open-store.ts';
import { readRows, scanResults } from '../storage/results-scan.ts';
import type { BatchHandle } from './batch-handle.ts';
import { notFound } from './errors.ts';
import type { SequencedRow } from './watch.ts';

export interface JobsOptions {
  status?: ItemStatus | undefined;
  /** At most this many. @default all */
  limit?: number | undefined;
  /** Only those whose result has a higher number than this. @default all */
  after?: number | undefined;
}

/** The last result, with its number, of every item of a batch, those not yet in a part included, in the order they ended. */
export async function* listJobs(handle: BatchHandle, options: JobsOptions = {}): AsyncGenerator<SequencedRow> {
  const found = await handle.find();
  const storeUri = found?.storeUri;
  if (storeUri === undefined || storeUri === null) {
    throw notFound(handle.batchId);
  }
  let left = options.limit ?? Infinity;
  const after = options.after ?? -1;
  for await (const job of lastRows(handle, storeUri, found?.total ?? 0, found?.state === 'running')) {
    if (job.sequence <= after || (options.status !== undefined && job.row.status !== options.status)) continue;
    if (left-- <= 0) return;
    yield job;
  }
}

async function* lastRows(
  handle: BatchHandle,
  storeUri: string,
  total: number,
  running: boolean,
): AsyncGenerator<SequencedRow> {
  const store = openStore(storeUri);
  const progress = running ? await handle.progress(0) : null;
  const recent = progress?.recent ?? [];
  const newer = new Set(recent.map((row) => row.request_id));
  // Parts may have been added since the answer; their rows are in `recent` already.
  const until = progress?.recentFrom ?? Infinity;
  const last = await scanResults(store, total);
  for await (const { row, sequence } of readRows(store)) {
    if (sequence >= until) break;
    if (row === null || newer.has(row.request_id)) continue;
    if (row.index >= 0 && last.sequence[row.index] !== sequence) continue;
    yield { row, sequence };
  }
  for (const [place, row] of recent.entries()) yield { row, sequence: until + place };
}
