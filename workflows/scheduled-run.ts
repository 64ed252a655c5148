import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  ParentClosePolicy,
  executeChild,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { CoreActivities } from '../activities/types.ts';
import { coreTaskQueue } from '../domain/ids.ts';
import type { ScheduledRunInput, ScheduledRunResult, StagedRun } from '../domain/schedule.ts';
import { batchWorkflow } from './batch.ts';

/** Set by the server on what a schedule starts: the time the run is for, also when it is made later. */
const scheduledAt = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/**
 * One run of a schedule: reads the input as it is now, stages it, and runs its batch. It lasts as long as the
 * batch, so that the schedule's overlap policy is about batches; ending it from outside cancels the batch in order.
 * An input that is missing or holds nothing fails this run and no other.
 *
 * History: about 11 events for staging and 6 for the batch, however long that takes.
 */
export async function scheduledRunWorkflow(input: ScheduledRunInput): Promise<ScheduledRunResult> {
  const info = workflowInfo();
  const at = info.typedSearchAttributes.get(scheduledAt) ?? info.startTime;
  const { batch, start, output } = await stage({ ...input, atMs: at.getTime() });
  setCurrentDetails(`Batch \`${batch.batchId}\`, to \`${output}\``);
  const summary = await executeChild(batchWorkflow, {
    workflowId: batch.batchId,
    args: [batch],
    memo: start.memo,
    staticSummary: start.staticSummary,
    priority: { priorityKey: start.priorityKey },
    typedSearchAttributes: Object.entries(start.keywords).map(([name, value]) => ({
      key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
      value,
    })),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  });
  const { batchId, status, counts, costUsd } = summary;
  return { batchId, output, status, counts, costUsd };
}

/** The failure carries the code of what is wrong, as the failures of items do. */
async function stage(input: ScheduledRunInput & { atMs: number }): Promise<StagedRun> {
  const { stageRun } = proxyActivities<CoreActivities>({
    taskQueue: coreTaskQueue,
    summary: `Stage ${input.input}`,
    startToCloseTimeout: '6 hours',
    heartbeatTimeout: '30 seconds',
    retry: { initialInterval: 1_000, maximumInterval: '1 minute', maximumAttempts: 8 },
  });
  try {
    return await stageRun(input);
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (cause instanceof ApplicationFailure) {
      throw ApplicationFailure.nonRetryable(cause.message, cause.type ?? 'INTERNAL');
    }
    throw error;
  }
}
