import type { BatchCounts } from '../domain/batch.ts';
import { findFlow, usesComfy } from '../domain/flow.ts';
import type { ResultRow } from '../domain/result.ts';
import { openStore } from '../storage/open-store.ts';
import type { BatchHandle } from './batch-handle.ts';
import { reportOfProgress, reportOfSummary, type BatchReport } from './batch-report.ts';
import { reportOfEndedBatch } from './ended-batch.ts';
import { notFound } from './errors.ts';
import { countPictures } from './pictures.ts';

/** How a batch stands, whether it runs, is closed, or was ended from outside. Throws BATCH_NOT_FOUND. */
export async function reportOfBatch(batch: BatchHandle): Promise<BatchReport> {
  const found = await batch.find();
  if (found === null) throw notFound(batch.batchId);
  if (found.state === 'running') {
    const progress = await batch.progress(0);
    return reportOfProgress(progress, Date.now(), await picturesOf(progress, progress));
  }
  if (found.state === 'completed') {
    const summary = await batch.summary();
    return reportOfSummary(summary, await picturesOf(summary));
  }
  return reportOfEndedBatch(batch.batchId, found);
}

/** An item of most flows is a picture; only where one can be several are the results read. */
export async function picturesOf(
  { flow, storeUri, counts }: { flow: string; storeUri: string; counts: BatchCounts },
  unwritten?: { recent: readonly ResultRow[]; recentFrom: number },
): Promise<number> {
  const known = findFlow(flow);
  if (known === undefined || !usesComfy(known)) return counts.succeeded + counts.skipped;
  return countPictures(openStore(storeUri), unwritten);
}
