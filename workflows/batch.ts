import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { BatchInput, BatchSummary, RedriveSelector } from '../domain/batch.ts';
import { applyLimitsChange, limitsChangeProblem } from '../domain/limits.ts';
import { selectorProblem } from '../domain/redrive.ts';
import { BatchRun } from './batch-run.ts';
import {
  cancelSignal,
  itemResumedSignal,
  itemWaitingSignal,
  pauseSignal,
  progressQuery,
  redriveUpdate,
  resumeSignal,
  setLimitsUpdate,
} from './messages.ts';

/**
 * Runs a flow over every item of a batch: a sliding window of child workflows, at most `concurrency`
 * at once, the next one started as soon as one ends.
 *
 * History is bounded by continue-as-new at `maxHistoryEvents` (default 3,000) or 6 MB: the window is
 * not drained, the next run re-attaches to the children that are running. Children are started, results
 * written and pages read without the loop waiting for any of them; the loop only looks at what changed.
 */
export async function batchWorkflow(input: BatchInput): Promise<BatchSummary> {
  const run = new BatchRun(input);

  setHandler(pauseSignal, () => {
    run.pause({ kind: 'user', reason: 'Paused by request', action: 'Resume it when you are ready.' });
  });
  setHandler(resumeSignal, () => {
    run.resume();
  });
  setHandler(cancelSignal, () => {
    run.cancel();
  });
  setHandler(itemWaitingSignal, (itemId) => {
    run.itemWaits(itemId, true);
  });
  setHandler(itemResumedSignal, (itemId) => {
    run.itemWaits(itemId, false);
  });
  setHandler(progressQuery, (options) => run.progress(options?.after));
  setHandler(setLimitsUpdate, (change) => run.setLimits(applyLimitsChange(run.limits, change)), {
    validator: (change) => {
      const problem = limitsChangeProblem(change);
      if (problem !== null) throw new Error(problem);
    },
  });
  setHandler(redriveUpdate, (selector) => run.redrive(selector), {
    validator: (selector: RedriveSelector) => {
      const mistake = selectorProblem(selector, input.flow);
      if (mistake !== null) throw ApplicationFailure.nonRetryable(mistake, 'USAGE');
      const problem = run.redriveProblem(selector);
      if (problem !== null) throw new Error(problem);
    },
  });

  // Cancelled from Temporal's own tools: the same as the signal. The loop itself is not cancellable,
  // because the items in flight have to be heard out and their results written.
  void CancellationScope.current()
    .cancelRequested.catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    })
    .then(() => {
      run.cancel();
    });

  return CancellationScope.nonCancellable(async () => {
    const outcome = await run.run(() => {
      const { historyLength, historySize } = workflowInfo();
      return historyLength >= (input.maxHistoryEvents ?? 3_000) || historySize >= 6_000_000;
    });
    await condition(allHandlersFinished);
    if (outcome.kind === 'finished') return outcome.summary;
    return continueAsNew<typeof batchWorkflow>({ ...run.nextInput() });
  });
}
