import { proxyActivities } from '@temporalio/workflow';
import type {
  ApplyLimitsInput,
  CoreActivities,
  FinishBatchInput,
  OpenRunInput,
  OpenRunResult,
  ReadPageInput,
  WriteResultsInput,
} from '../activities/types.ts';
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

export function applyLimits(input: ApplyLimitsInput): Promise<void> {
  return short('Apply the new rate').applyLimits(input);
}

export function selectItems(input: OpenRunInput): Promise<OpenRunResult> {
  return long(`Select ${input.selector.select} items`).openRun(input);
}

export function writeSummary(input: FinishBatchInput): Promise<void> {
  return long('Write results.jsonl and the report').finishBatch(input);
}
