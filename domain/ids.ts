/** The one place that builds workflow ids and task queue names. */

export function itemWorkflowId(batchId: string, itemId: string): string {
  return `${batchId}/${itemId}`;
}

/** Which batch and item a workflow is of; absent where it is of none. */
export function batchAndItemOf(workflowId: string, workflowType: string): { batchId?: string; itemId?: string } {
  const [, batchId = workflowId, itemId = ''] = /^([^/]*)\/(.*)$/s.exec(workflowId) ?? [];
  switch (workflowType) {
    case 'itemWorkflow':
      return { batchId, itemId };
    case 'batchWorkflow':
    case 'eventsWorkflow':
      return { batchId };
    default:
      return {};
  }
}

/** Delivers the events of a batch. */
export function eventsWorkflowId(batchId: string): string {
  return `${batchId}/events`;
}

/** Task queue of workflows and light activities. */
export const coreTaskQueue = 'sluice';

export const providerModes = ['live', 'emulated'] as const;
/**
 * Where a provider's calls really go. Fixed when a batch is submitted: a batch that pays never falls
 * back to the emulator, and one that is emulated never starts to pay, whatever key an engine has later.
 */
export type ProviderMode = (typeof providerModes)[number];

/** Task queue of one model's calls, e.g. `gemini.gemini-2.5-flash-image`. */
export function modelTaskQueue(provider: string, model: string, mode: ProviderMode): string {
  return mode === 'live' ? `${provider}.${model}` : `${provider}-emulator.${model}`;
}

/** Task queue of the GPUs of a class, e.g. `gpu.24gb`. */
export function gpuTaskQueue(gpuClass: string, mode: ProviderMode): string {
  return mode === 'live' ? `gpu.${gpuClass}` : `gpu-emulator.${gpuClass}`;
}
