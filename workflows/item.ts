import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  rootCause,
} from '@temporalio/workflow';
import type { GpuActivities, ItemInput, ModelActivities } from '../activities/types.ts';
import { stepsOf, type Step } from '../domain/flow.ts';
import { gpuTaskQueue, modelTaskQueue } from '../domain/ids.ts';
import type { ItemOutcome } from '../domain/result.ts';

/**
 * Runs the steps of the batch's flow for one item and returns its result row.
 *
 * An item that fails is a Failed execution, so that the Web UI can filter for it; the failure carries
 * the row (what was called and paid for before it failed). History: about 11 events a step.
 */
export async function itemWorkflow(input: ItemInput): Promise<ItemOutcome> {
  if (input.ref.hash === '') {
    throw ApplicationFailure.nonRetryable(
      `The staged item in ${input.ref.part} is damaged or missing.`,
      'INPUT_CORRUPT',
    );
  }
  let row: ItemOutcome | undefined;
  for (const step of stepsOf(input.flow)) row = await runStep(step, input);
  if (row === undefined) throw ApplicationFailure.nonRetryable(`Flow ${input.flow.name} has no steps.`, 'INTERNAL');
  return row;
}

async function runStep(step: Step, input: ItemInput): Promise<ItemOutcome> {
  const { ref, retry, mode } = input;
  const { generateImage, runComfy } = proxyActivities<ModelActivities & GpuActivities>({
    taskQueue:
      step.uses === 'comfy' ? gpuTaskQueue(input.gpuClass, mode) : modelTaskQueue(ref.provider, ref.model, mode),
    summary: `${step.id}: ${ref.label}`,
    // A slot may wait long for its turn at a rate limit or a GPU. The call itself is bounded by the provider
    // (timeoutMs), a worker that died by the heartbeat.
    startToCloseTimeout: '24 hours',
    heartbeatTimeout: '30 seconds',
    // A call that is under way is paid for: a cancelled item waits for its result and keeps it. A prompt on
    // a GPU is cancelled there, which takes until the end of its node.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: retry.initialMs,
      backoffCoefficient: retry.factor,
      maximumInterval: retry.maxMs,
      // The item's own failures are counted by the activity (retry.maxAttempts). This bound is for
      // what is not the item's fault: rate limits and workers that died.
      maximumAttempts: 100,
    },
  });
  try {
    return await (step.uses === 'comfy' ? runComfy : generateImage)(input);
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (cause instanceof ApplicationFailure) {
      throw ApplicationFailure.create({
        message: cause.message,
        type: cause.type ?? 'INTERNAL',
        nonRetryable: true,
        details: cause.details ?? [],
      });
    }
    if (error instanceof ActivityFailure && cause?.name === 'TimeoutFailure') {
      throw ApplicationFailure.nonRetryable(`Step ${step.id} stopped responding: ${rootCause(error) ?? ''}`, 'TIMEOUT');
    }
    throw error;
  }
}
