import {
  defineSearchAttributeKey,
  SearchAttributeType,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { CoreActivities, EventActivities, StageRunInput } from '../activities/types.ts';
import { coreTaskQueue } from '../domain/ids.ts';
import type { ScheduledRunInput, ScheduledRunResult, StagedRun } from '../domain/schedule.ts';
import { batchWorkflow } from './batch.ts';
import { continueTrace } from './tracing.ts';

/** Set by the server on what a schedule starts: the time the run is for, also when it is made later. */
const scheduledAt = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/**
 * One run of a schedule: reads the input as it is now, stages it, and runs its batch. It lasts as long as the
 * batch, so that the schedule's overlap policy is about batches; ending it from outside cancels the batch in order.
 * An input that is missing or holds nothing fails this run and no other; who wants to know is told.
 *
 * History: about 11 events for staging and 6 for the batch, however long that takes.
 */
export async function scheduledRunWorkflow(input: ScheduledRunInput): Promise<ScheduledRunResult> {
  const info = workflowInfo();
  const at = info.typedSearchAttributes.get(scheduledAt) ?? info.startTime;
  const run = { ...input, atMs: at.getTime() };
  const { child, output } = await begin(run).catch((error: unknown) => failed(run, error));
  const { batchId, status, counts, costUsd } = await child.result();
  return { batchId, output, status, counts, costUsd };
}

/** Stages the input, and starts the batch. */
async function begin(run: StageRunInput) {
  const { batch, start, output, trace } = await stage(run);
  continueTrace(trace);
  setCurrentDetails(`Batch \`${batch.batchId}\`, to \`${output}\``);
  try {
    const child = await startChild(batchWorkflow, {
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
    return { child, output };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw ApplicationFailure.nonRetryable(`Batch ${batch.batchId} is running already.`, 'BATCH_RUNNING');
  }
}

/** The failure carries the code of what is wrong, as the failures of items do. */
async function stage(input: StageRunInput): Promise<StagedRun> {
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

/** Tells of a run that could not start, unless somebody ended it, and fails it. */
async function failed(run: StageRunInput, error: unknown): Promise<never> {
  if (!isCancellation(error) && patched('schedule-failed')) {
    const { tellFailedRun } = proxyActivities<EventActivities>({
      taskQueue: coreTaskQueue,
      summary: 'Tell that the run could not start',
      startToCloseTimeout: '30 seconds',
      retry: { initialInterval: 200, maximumInterval: '10 seconds', maximumAttempts: 20 },
    });
    const code = error instanceof ApplicationFailure ? (error.type ?? 'INTERNAL') : 'INTERNAL';
    const message = error instanceof Error ? error.message : String(error);
    const { runId } = workflowInfo();
    // What nobody can be told of is still in the schedule's list of runs.
    await tellFailedRun({ ...run, runId, code, message }).catch(() => undefined);
  }
  throw error;
}
