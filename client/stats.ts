import type { Client } from '@temporalio/client';
import type { BatchStatus } from '../domain/batch.ts';
import { SluiceError } from '../domain/errors.ts';
import { openStore } from '../storage/open-store.ts';
import { BatchHandle } from './batch-handle.ts';
import { readBatchInfo } from './batch-info.ts';
import type { BatchReport } from './batch-report.ts';
import { reportOfBatch } from './batch-status.ts';
import { listBatches } from './list.ts';
import { storeUriOf } from './output-directory.ts';
import { countPicturesSince } from './pictures.ts';

/** Totals over batches. Snake case because commands print it. */
export interface BatchStats {
  batches: Record<BatchStatus | 'all', number>;
  items: {
    total: number;
    succeeded: number;
    failed: number;
    cancelled: number;
    running: number;
    waiting: number;
    pending: number;
  };
  /** Pictures the results tell of. */
  images: number;
  /** Mean over the time of each batch's latest run; null where none has made any. */
  images_per_minute: number | null;
  cost_usd: number;
  /** Batches whose directory is gone, or another batch's by now: their pictures are not counted above. */
  gone: number;
}

/** Adds up all batches the engine knows. Reads the results of each. */
export async function statsOf(client: Client): Promise<BatchStats> {
  const stats: BatchStats = {
    batches: { all: 0, running: 0, waiting: 0, paused: 0, succeeded: 0, failed: 0, cancelled: 0, terminated: 0 },
    items: { total: 0, succeeded: 0, failed: 0, cancelled: 0, running: 0, waiting: 0, pending: 0 },
    images: 0,
    images_per_minute: null,
    cost_usd: 0,
    gone: 0,
  };
  const rate = { images: 0, seconds: 0 };
  for await (const { batch_id: batchId } of listBatches(client)) {
    const report = await reportOfBatch(new BatchHandle(client, batchId)).catch(nullIfGone);
    const info = report === null ? null : await readBatchInfo(openStore(storeUriOf(report.output)));
    const gone = info?.batch_id !== batchId;
    if (gone) stats.gone += 1;
    if (report !== null) await addBatch(gone ? { ...report, images: 0 } : report, stats, rate);
  }
  if (rate.images > 0 && rate.seconds > 0) {
    stats.images_per_minute = Number(((rate.images * 60) / rate.seconds).toFixed(2));
  }
  stats.cost_usd = Number(stats.cost_usd.toFixed(6));
  return stats;
}

/** Of a batch that was ended from outside, nothing but its directory tells: then it is not counted at all. */
function nullIfGone(error: unknown): null {
  if (error instanceof SluiceError && error.code === 'BATCH_NOT_FOUND') return null;
  throw error;
}

async function addBatch(
  report: BatchReport,
  stats: BatchStats,
  rate: { images: number; seconds: number },
): Promise<void> {
  stats.batches.all += 1;
  stats.batches[report.status] += 1;
  for (const count of Object.keys(stats.items) as (keyof BatchStats['items'])[]) stats.items[count] += report[count];
  stats.images += report.images;
  stats.cost_usd += report.cost_usd;
  if (report.started_at === null || report.images === 0) return;
  rate.images += await countPicturesSince(openStore(storeUriOf(report.output)), Date.parse(report.started_at));
  rate.seconds += report.duration_seconds;
}
