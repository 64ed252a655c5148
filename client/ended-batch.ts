import { SluiceError } from '../domain/errors.ts';
import { addResult, emptyTally, totalCostUsd } from '../domain/tally.ts';
import { openStore } from '../storage/open-store.ts';
import { countStatus, scanResults } from '../storage/results-scan.ts';
import type { FoundBatch } from './batch-handle.ts';
import { readBatchInfo } from './batch-info.ts';
import { reportOfInfo, type BatchReport } from './batch-report.ts';

/** A batch that was terminated from outside left no summary: its results in storage tell what was done. */
export async function reportOfEndedBatch(batchId: string, found: FoundBatch): Promise<BatchReport> {
  const store = found.storeUri === null ? null : openStore(found.storeUri);
  const info = store === null ? null : await readBatchInfo(store);
  if (store === null || info === null) {
    throw new SluiceError('BATCH_NOT_FOUND', `Batch ${batchId} was ended from outside and its directory is gone.`);
  }
  const tally = emptyTally();
  let images = 0;
  const last = await scanResults(store, info.input.total, (row) => {
    addResult(tally, row);
    images += row.images;
  });
  const succeeded = countStatus(last, 'succeeded');
  const failed = countStatus(last, 'failed');
  const counts = {
    total: info.input.total,
    succeeded,
    failed,
    skipped: 0,
    rejected: info.input.rejected,
    cancelled: info.input.total - succeeded - failed,
    running: 0,
    waiting: 0,
    pending: 0,
  };
  return reportOfInfo(info, store.uri, counts, { costUsd: totalCostUsd(tally), images });
}
