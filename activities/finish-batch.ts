import { heartbeat } from '@temporalio/activity';
import { batchInfoKey, batchInfoSchema, type BatchInfo } from '../domain/batch-info.ts';
import type { BatchSummary } from '../domain/batch.ts';
import { SluiceError } from '../domain/errors.ts';
import { renderReport } from '../domain/report.ts';
import { addFailure, emptyFailureDigest, type FailureDigest } from '../domain/report-failures.ts';
import type { Tally } from '../domain/tally.ts';
import type { Store } from '../storage/store.ts';
import { readRows, scanResults } from '../storage/results-scan.ts';
import { removeStaleTemporaries } from '../storage/stale-temporaries.ts';
import type { FinishBatchInput } from './types.ts';
import { updateManifest } from './write-results.ts';

/**
 * Writes what a closed batch leaves: results.jsonl (one row an item), report.md, batch_info.json, manifest.
 * Removes what killed writers left.
 */
export async function finishBatch(store: Store, input: FinishBatchInput): Promise<void> {
  const { summary } = input;
  const info = await readBatchInfo(store);
  const failures = emptyFailureDigest();
  await store.putStream('results.jsonl', lastRows(store, input.input.total, failures));
  const rejectedFile = summary.counts.rejected > 0 ? 'the .rejected.csv file' : null;
  const { limits, tally } = input;
  const { project } = info;
  await store.put(
    'report.md',
    renderReport({ summary, project, source: info.input.name, rejectedFile, limits, tally, failures }),
  );
  const { batchId, status, counts } = summary;
  const finished = counts.succeeded + counts.failed + counts.skipped;
  await updateManifest(store, { batchId, status, finished, total: counts.total }, () => undefined);
  await store.put(batchInfoKey, `${JSON.stringify({ ...info, summary: summaryFields(summary, tally) }, null, 2)}\n`);
  await removeStaleTemporaries(store.uri);
}

/** The last row of every item, in the order they ended. Two passes, so that no row is held in memory. */
async function* lastRows(store: Store, total: number, failures: FailureDigest): AsyncGenerator<string> {
  const last = await scanResults(store, total, beatNowAndThen);
  for await (const { row, sequence } of readRows(store)) {
    if (row === null || (row.index >= 0 && last.sequence[row.index] !== sequence)) continue;
    addFailure(failures, row);
    yield `${JSON.stringify(row)}\n`;
    beatNowAndThen(row, sequence);
  }
}

function beatNowAndThen(_row: unknown, sequence: number): void {
  if (sequence % 1_000 === 0) heartbeat();
}

async function readBatchInfo(store: Store): Promise<BatchInfo> {
  const bytes = await store.get(batchInfoKey);
  if (bytes === null) throw new SluiceError('STORAGE_ERROR', `${batchInfoKey} is missing from ${store.uri}.`);
  try {
    return batchInfoSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new SluiceError('STORAGE_ERROR', `${batchInfoKey} in ${store.uri} is damaged.`, { cause });
  }
}

function summaryFields(summary: BatchSummary, { models }: Tally): NonNullable<BatchInfo['summary']> {
  const { counts } = summary;
  return {
    status: summary.status,
    total: counts.total,
    succeeded: counts.succeeded,
    failed: counts.failed,
    skipped: counts.skipped,
    rejected: counts.rejected,
    cancelled: counts.cancelled,
    images: models.reduce((sum, { images }) => sum + images, 0),
    cost_usd: summary.costUsd,
    duration_seconds: summary.durationSeconds,
    started_at: summary.startedAt,
    finished_at: summary.finishedAt,
  };
}
