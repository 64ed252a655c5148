import type { ScheduleListEntry } from '../../client/schedule-list.ts';
import type { ScheduleReport, ScheduleRun } from '../../client/schedule-report.ts';
import { formatDuration, formatUsd } from '../../domain/format.ts';

/** Next runs that are shown. */
const nextShown = 3;

/** A schedule, its next runs and the latest ones. */
export function renderSchedule(report: ScheduleReport): string {
  const { runs_made: made, runs_skipped: skipped, runs_missed: missed } = report;
  return [
    `Schedule ${report.schedule_id}: ${report.paused ? 'paused' : 'active'}${report.note === '' ? '' : ` (${report.note})`}`,
    `  when       ${timesOf(report)}`,
    `  input      ${report.input}`,
    `  output     ${report.output}`,
    `  flow       ${report.flow}${report.mode === 'emulated' ? ', emulated' : ''}`,
    `  overlap    ${report.overlap}; missed runs are made up to ${formatDuration(report.catch_up_seconds)} late`,
    ...(report.jitter_seconds === 0 ? [] : [`  jitter     up to ${formatDuration(report.jitter_seconds)}`]),
    `  runs       ${String(made)} made, ${String(skipped)} skipped, ${String(missed)} missed`,
    ...report.next_runs.slice(0, nextShown).map((time) => `  next       ${time}`),
    ...report.runs.map(renderRun),
  ].join('\n');
}

export function renderScheduleLine(entry: ScheduleListEntry): string {
  const state = entry.paused ? 'paused' : 'active';
  const next = entry.paused ? '-' : (entry.next_run ?? '-');
  return [entry.schedule_id.padEnd(20), state.padEnd(7), `next ${next}`.padEnd(30), timesOf(entry)].join('  ');
}

function timesOf({
  cron,
  every_seconds: every,
  time_zone: zone,
}: Pick<ScheduleReport, 'cron' | 'every_seconds' | 'time_zone'>): string {
  const interval = every === null ? [] : [`every ${formatDuration(every)}`];
  return `${[...cron, ...interval].join(', ')} (${zone})`;
}

function renderRun(run: ScheduleRun): string {
  const error = run.error_code === null ? '' : `  ${run.error_message ?? ''} (${run.error_code})`;
  const cost = run.cost_usd === null ? '' : `  ${formatUsd(run.cost_usd)}`;
  return `  ran        ${run.scheduled_at}  ${run.batch_id}  ${run.status}${cost}${error}`;
}
