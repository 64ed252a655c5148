import { failurePolicySchema, type BatchSpec, type FailurePolicy, type Limits } from '../domain/batch-spec.ts';
import type { Notice, Pause, RunningItem } from '../domain/batch.ts';
import type { PriorityName } from '../domain/priority.ts';
import { openStore } from '../storage/open-store.ts';
import type { BatchHandle } from './batch-handle.ts';
import { readBatchInfo } from './batch-info.ts';
import { reportOfProgress, type BatchReport } from './batch-report.ts';
import { picturesOf, reportOfBatch } from './batch-status.ts';
import { notFound } from './errors.ts';

/** A batch as a page about it shows it. */
export interface BatchDetail extends BatchReport {
  project: string;
  priority: PriorityName;
  /** What its items were read from. */
  source: string;
  /** ISO 8601, UTC: when it was first submitted. */
  created_at: string | null;
  limits: Limits;
  /** When failures pause it, and whether the first one ends it. */
  failure_policy: FailurePolicy;
  error_policy: BatchSpec['errorPolicy'];
  /** How the last items ended, oldest first, as the policy sees it: see `FailureWindow`. Null once it has closed. */
  failure_window: string | null;
  pause: Pause | null;
  notices: Notice[];
  running_items: RunningItem[];
}

/** How a batch stands, with all that its workflow and its directory tell. Throws BATCH_NOT_FOUND. */
export async function detailOfBatch(batch: BatchHandle): Promise<BatchDetail> {
  const found = await batch.find();
  if (found?.storeUri === undefined || found.storeUri === null) throw notFound(batch.batchId);
  const [info, progress] = await Promise.all([
    readBatchInfo(openStore(found.storeUri)),
    found.state === 'running' ? batch.progress(0) : null,
  ]);
  const limits = progress?.limits ?? info?.spec.limits;
  if (limits === undefined) throw notFound(batch.batchId);
  const report =
    progress === null
      ? await reportOfBatch(batch)
      : reportOfProgress(progress, Date.now(), await picturesOf(progress, progress));
  return {
    ...report,
    project: found.project,
    priority: info?.spec.priority ?? 'normal',
    source: info?.input.name ?? '',
    created_at: info?.created_at ?? null,
    limits,
    failure_policy: info?.spec.failurePolicy ?? failurePolicySchema.parse({}),
    error_policy: info?.spec.errorPolicy ?? 'continue',
    failure_window: progress?.window ?? null,
    pause: progress?.pause ?? null,
    notices: progress?.notices ?? [],
    running_items: progress?.running ?? [],
  };
}
