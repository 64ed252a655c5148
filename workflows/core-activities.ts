import { patched, proxyActivities } from '@temporalio/workflow';
import type {
  CoreActivities,
  FinishBatchInput,
  OpenRunInput,
  OpenRunResult,
  ReadPageInput,
  WriteResultsInput,
} from '../activities/types.ts';
import type { BatchState } from '../domain/batch.ts';
import type { Limits } from '../domain/batch-spec.ts';
import { coreTaskQueue } from '../domain/ids.ts';
import type { ItemRef } from '../domain/item.ts';

/** Storage that answers within this is waited for; then the batch pauses and says so. */
const retry = { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 5_000, maximumAttempts: 5 };

/** Short activities of the `sluice` queue, each with the words the Web UI shows. */
function short(summary: string): CoreActivities {
  return proxyActivities<CoreActivities>({ taskQueue: coreTaskQueue, startToCloseTimeout: '1 minute', summary, retry });
}

/** Activities that read all of a batch; they heartbeat. */
function long(summary: string): CoreActivities {
  return proxyActivities<CoreActivities>({
    taskQueue: coreTaskQueue,
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '1 minute',
    summary,
    retry,
  });
}

export function readPage(input: ReadPageInput): Promise<ItemRef[]> {
  return short(`Read ${input.segment.prefix}, part ${String(input.part)}`).readPage(input);
}

export function writeResults(input: WriteResultsInput): Promise<void> {
  return short(`Write results, part ${String(input.part)}: ${String(input.rows.length)} rows`).writeResults(input);
}

/** Whether a change of limits has to be told to the items that are started. */
export function concernsItems(before: Limits, after: Limits): boolean {
  if (after.ratePerMinute !== before.ratePerMinute || after.concurrency !== before.concurrency) return true;
  return after.budgetUsd !== before.budgetUsd && patched('batch-budget-for-each-call');
}

/** Makes the batch's limits hold for the items that are started already. */
export function applyLimits(batchId: string, state: BatchState, holdBack = false): Promise<void> {
  const { ratePerMinute, concurrency, budgetUsd } = state.limits;
  const { limitsRevision } = state;
  return short(holdBack ? 'Hold back the waiting items' : 'Apply the new limits').applyLimits({
    batchId,
    ratePerMinute,
    concurrency,
    budgetUsd,
    limitsRevision,
    holdBack,
  });
}

export function selectItems(input: OpenRunInput): Promise<OpenRunResult> {
  return long(`Select ${input.selector.select} items`).openRun(input);
}

export function writeSummary(input: FinishBatchInput): Promise<void> {
  return long('Write results.jsonl and the report').finishBatch(input);
}
