import type { WorkflowClient } from '@temporalio/client';
import { coreTaskQueue, eventsWorkflowId } from '../domain/ids.ts';
import type { PublishEventsInput } from './types.ts';

/** Hands entries to the batch's `eventsWorkflow`; the server starts it in the same step if it does not run. */
export async function publishEvents(client: WorkflowClient, input: PublishEventsInput): Promise<void> {
  const { batchId, storeUri, parcel } = input;
  await client.signalWithStart('eventsWorkflow', {
    workflowId: eventsWorkflowId(batchId),
    taskQueue: coreTaskQueue,
    args: [{ batchId, storeUri, targets: parcel.targets }],
    signal: 'deliver',
    signalArgs: [parcel],
    staticSummary: `Events of ${batchId}`,
  });
}
