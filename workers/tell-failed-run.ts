import type { WorkflowClient } from '@temporalio/client';
import { publishEvents } from '../activities/publish-events.ts';
import type { EventActivities } from '../activities/types.ts';
import { targetsLeft } from '../client/event-targets.ts';
import { errorCatalog, isErrorCode } from '../domain/errors.ts';
import type { SingleEvent } from '../domain/events.ts';
import { scheduledBatchId } from '../domain/schedule.ts';

/**
 * Tells that a run of a schedule could not start. It has no batch, and so no place for a delivery log; what is told
 * of one schedule is delivered in order by a workflow of the schedule's own, `<schedule>/events`.
 */
export function tellFailedRunWith(deps: { client: WorkflowClient; home: string }): EventActivities['tellFailedRun'] {
  return async ({ scheduleId, atMs, spec, mode, runId, code, message }) => {
    const targets = targetsLeft(deps.home, spec).filter(({ events }) => events.includes('schedule.failed'));
    if (targets.length === 0) return;
    const batchId = scheduledBatchId(scheduleId, atMs);
    const event: SingleEvent = {
      kind: 'event',
      id: `${batchId}_${runId}`,
      type: 'schedule.failed',
      source: `/schedules/${scheduleId}`,
      subject: scheduleId,
      atMs: Date.now(),
      data: {
        schedule_id: scheduleId,
        batch_id: batchId,
        scheduled_at: new Date(atMs).toISOString(),
        flow: spec.flow,
        project: spec.project,
        mode,
        error_code: code,
        error_message: message,
        action: errorCatalog[isErrorCode(code) ? code : 'INTERNAL'].action,
      },
    };
    await publishEvents(deps.client, {
      batchId: scheduleId,
      storeUri: '',
      parcel: { targets, sender: runId, first: 0, entries: [event], last: true },
    });
  };
}
