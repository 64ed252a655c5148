import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  rootCause,
} from '@temporalio/workflow';
import type { ItemInput, StepActivities, StepInput, StepOutcome } from '../activities/types.ts';
import type { Step } from '../domain/flow.ts';
import { coreTaskQueue, gpuTaskQueue, modelTaskQueue } from '../domain/ids.ts';
import type { ItemOutcome } from '../domain/result.ts';
import { callVideo } from './video-step.ts';

/** The step of an item whose flow is that one step, without templates. */
export async function callPlainStep(step: Step, input: ItemInput): Promise<ItemOutcome> {
  const { provider, model } = input.ref;
  const activities = activitiesOf(step, input, { provider, key: model });
  return failuresOf<ItemOutcome>(step, () => {
    if (step.uses === 'comfy') return activities.runComfy(input);
    return input.ref.media === 'video' ? callVideo(activities, input) : activities.generateImage(input);
  });
}

/** One step by its activity. Throws ApplicationFailure with an error code as its type and the row in its details. */
export async function callStep(input: StepInput): Promise<StepOutcome> {
  const { step, model } = input;
  const activities = activitiesOf(step, input, model);
  return failuresOf(step, () => {
    switch (step.uses) {
      case 'text':
        return activities.writeText(input);
      case 'image':
        return activities.generateImage(input);
      case 'video':
        return callVideo(activities, input);
      case 'comfy':
        return activities.runComfy(input);
      case 'check':
        return activities.checkStep(input);
      case 'approve':
        return activities.askPerson(input);
      case 'export':
        return activities.exportItem(input);
      case 'http':
        return activities.sendRequest(input);
    }
  });
}

function activitiesOf(step: Step, input: ItemInput, model: StepInput['model']): StepActivities {
  const { ref, retry } = input;
  const round = 'round' in input && input.round !== 0 ? ` (round ${String(input.round)})` : '';
  return proxyActivities<StepActivities>({
    taskQueue: taskQueueOf(step, input, model),
    summary: `${step.id}${round}: ${ref.label}`,
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
}

/** Steps wait where what they need is: a model's calls at its queue, pictures at the GPUs, the rest anywhere. */
function taskQueueOf(step: Step, { gpuClass, mode }: ItemInput, model: StepInput['model']): string {
  if (step.uses === 'comfy') return gpuTaskQueue(gpuClass, mode);
  return model === undefined ? coreTaskQueue : modelTaskQueue(model.provider, model.key, mode);
}

async function failuresOf<T>(step: Step, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
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
