import { fileURLToPath } from 'node:url';
import type { BatchInfo } from '../domain/batch-info.ts';
import type { BatchCounts, BatchProgress, BatchStatus, BatchSummary } from '../domain/batch.ts';
import type { ProviderMode } from '../domain/ids.ts';

/** A batch as commands and scripts see it; the first eleven fields are a stable contract. */
export interface BatchReport {
  batch_id: string;
  status: BatchStatus;
  total: number;
  succeeded: number;
  failed: number;
  skipped: number;
  rejected: number;
  cancelled: number;
  cost_usd: number;
  duration_seconds: number;
  /** Directory, or address of the store. */
  output: string;
  running: number;
  /** Items that wait for a person's answer. */
  waiting: number;
  pending: number;
  /** Pictures made: an item of sprites makes several. */
  images: number;
  flow: string;
  mode: ProviderMode;
  /** ISO 8601, UTC: of its latest run; null where that is not known. */
  started_at: string | null;
  /** Why it is paused, and what to do. */
  paused_reason: string | null;
  paused_action: string | null;
}

export function reportOfProgress(progress: BatchProgress, nowMs: number, images: number): BatchReport {
  const { status, counts, costUsd, startedAtMs } = progress;
  return {
    ...base(progress, status, counts, costUsd, (nowMs - startedAtMs) / 1000, images),
    started_at: new Date(startedAtMs).toISOString(),
    paused_reason: progress.pause?.reason ?? null,
    paused_action: progress.pause?.action ?? null,
  };
}

export function reportOfSummary(summary: BatchSummary, images: number): BatchReport {
  const { status, counts, costUsd, durationSeconds, startedAt } = summary;
  return { ...base(summary, status, counts, costUsd, durationSeconds, images), started_at: startedAt };
}

/** A batch the engine knows no more, or that was ended from outside: by what its directory says. */
export function reportOfInfo(
  info: BatchInfo,
  storeUri: string,
  counts: BatchCounts,
  { costUsd, images }: { costUsd: number; images: number },
): BatchReport {
  const id = { batchId: info.batch_id, storeUri, mode: info.mode, flow: info.flow };
  return base(id, 'terminated', counts, costUsd, 0, images);
}

/** Path of a file store, else the address as it is. */
export function displayPath(storeUri: string): string {
  return storeUri.startsWith('file:') ? fileURLToPath(storeUri) : storeUri;
}

function base(
  batch: { batchId: string; storeUri: string; mode: ProviderMode; flow: string },
  status: BatchStatus,
  counts: BatchCounts,
  costUsd: number,
  durationSeconds: number,
  images: number,
): BatchReport {
  return {
    batch_id: batch.batchId,
    status,
    total: counts.total,
    succeeded: counts.succeeded,
    failed: counts.failed,
    skipped: counts.skipped,
    rejected: counts.rejected,
    cancelled: counts.cancelled,
    cost_usd: Number(costUsd.toFixed(6)),
    duration_seconds: Number(durationSeconds.toFixed(3)),
    output: displayPath(batch.storeUri),
    running: counts.running,
    // A batch that closed before there were questions has none.
    waiting: counts.waiting || 0,
    pending: counts.pending,
    images,
    flow: batch.flow,
    mode: batch.mode,
    started_at: null,
    paused_reason: null,
    paused_action: null,
  };
}
