import type { Client } from '@temporalio/client';
import { isDeadWorker } from './worker-identity.ts';

/** PENDING_ACTIVITY_STATE_STARTED of Temporal's API. */
const started = 2;
/** Well below the shortest timeout of an activity (30 s), after which Temporal may give it to another worker. */
const safeAgeMs = 20_000;
/** More are left to their timeouts. */
const mostExecutions = 5_000;
const lookedAtTogether = 16;

/**
 * Gives the activities of dead workers back to the queue at once, instead of after their heartbeat or start
 * timeout (30 s and more). Only activities of workers that are known to be dead, and only while no timeout
 * can have given them to somebody else: failing an activity by its id would hit that attempt.
 *
 * Batches, too, are freed from the caches of dead workers.
 *
 * @returns how many were given back
 * @see {@link isDeadWorker}
 */
export async function recoverActivities(client: Client, identity: string): Promise<number> {
  const types = `('batchWorkflow', 'itemWorkflow', 'eventsWorkflow', 'scheduledRunWorkflow')`;
  const query = `ExecutionStatus = 'Running' AND WorkflowType IN ${types}`;
  const looking = new Set<Promise<void>>();
  let recovered = 0;
  let seen = 0;
  for await (const { workflowId, runId, type } of client.workflow.list({ query })) {
    seen += 1;
    if (seen > mostExecutions) break;
    const look = recoverExecution(client, identity, { workflowId, runId }, type === 'batchWorkflow')
      .then((count) => {
        recovered += count;
      })
      .finally(() => looking.delete(look));
    looking.add(look);
    if (looking.size >= lookedAtTogether) await Promise.race(looking);
  }
  await Promise.all(looking);
  return recovered;
}

async function recoverExecution(
  { workflowService, options: { namespace } }: Client,
  identity: string,
  execution: { workflowId: string; runId: string },
  isBatch: boolean,
): Promise<number> {
  const found = await workflowService.describeWorkflowExecution({ namespace, execution });
  const lost = found.pendingActivities.filter(
    ({ state, lastWorkerIdentity, lastStartedTime, lastHeartbeatTime }) =>
      Number(state) === started &&
      isDeadWorker(lastWorkerIdentity ?? '') &&
      Date.now() - Math.max(msOf(lastStartedTime), msOf(lastHeartbeatTime)) < safeAgeMs,
  );
  for (const { activityId } of lost) {
    const message = 'The worker died.';
    await workflowService.respondActivityTaskFailedById({
      namespace,
      ...execution,
      activityId: activityId ?? '',
      identity,
      failure: { message, applicationFailureInfo: { type: 'WORKER_DIED', nextRetryDelay: { nanos: 1_000_000 } } },
    });
  }
  // Else the next workflow task waits up to 10 s for a dead worker's cache. To a live one it costs a replay.
  if (isBatch || lost.length > 0) await workflowService.resetStickyTaskQueue({ namespace, execution });
  return lost.length;
}

function msOf(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
}
