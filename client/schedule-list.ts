import type { Client } from '@temporalio/client';
import { explain } from './errors.ts';
import { memoOf } from './schedule-report.ts';

/** A line of `schedule list`. */
export interface ScheduleListEntry {
  schedule_id: string;
  flow: string;
  cron: string[];
  every_seconds: number | null;
  time_zone: string;
  paused: boolean;
  note: string;
  /** ISO 8601, UTC; null if there is none. */
  next_run: string | null;
  last_run: string | null;
}

/** The schedules of the engine. A change shows here a moment later than in `show`. */
export async function* listSchedules(client: Client): AsyncGenerator<ScheduleListEntry> {
  try {
    for await (const { scheduleId, memo, spec, state, info, action } of client.schedule.list()) {
      if (action?.workflowType !== 'scheduledRunWorkflow') continue;
      const { cron, every, flow } = memoOf(scheduleId, memo);
      yield {
        schedule_id: scheduleId,
        flow,
        cron,
        every_seconds: every === null ? null : every.everyMs / 1_000,
        time_zone: spec?.timezone ?? 'UTC',
        paused: state.paused,
        note: state.note ?? '',
        next_run: info.nextActionTimes[0]?.toISOString() ?? null,
        last_run: info.recentActions.at(-1)?.takenAt.toISOString() ?? null,
      };
    }
  } catch (error) {
    throw explain(error, '');
  }
}
