import {
  ScheduleOverlapPolicy,
  WorkflowFailedError,
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { ApplicationFailure, defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { BatchStatus } from '../domain/batch.ts';
import { isErrorCode, type ErrorCode } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import { overlapPolicies, type OverlapPolicy } from '../domain/overlap.ts';
import { scheduledBatchId, type ScheduledRunResult, type ScheduleTiming } from '../domain/schedule.ts';

/** What the server keeps with a schedule and does not tell in the words it was given in. */
export interface ScheduleMemo extends Pick<ScheduleTiming, 'cron' | 'every'> {
  input: string;
  output: string;
  mode: ProviderMode;
  flow: string;
}

/** One run of a schedule. */
export interface ScheduleRun {
  batch_id: string;
  /** The time it is for; ISO 8601, UTC. */
  scheduled_at: string;
  /** Of its batch; `failed` also where the input could not be staged, and then `error_code` says why. */
  status: BatchStatus;
  error_code: ErrorCode | null;
  error_message: string | null;
  output: string | null;
  cost_usd: number | null;
  started_at: string;
  closed_at: string | null;
}

/** A schedule as commands and scripts see it. */
export interface ScheduleReport {
  schedule_id: string;
  flow: string;
  mode: ProviderMode;
  input: string;
  output: string;
  cron: string[];
  every_seconds: number | null;
  offset_seconds: number | null;
  time_zone: string;
  overlap: OverlapPolicy;
  catch_up_seconds: number;
  jitter_seconds: number;
  pause_on_failure: boolean;
  paused: boolean;
  note: string;
  /** Of runs ever made, passed over because another was under way, and missed for longer than the catch-up window. */
  runs_made: number;
  runs_skipped: number;
  runs_missed: number;
  /** ISO 8601, UTC. */
  next_runs: string[];
  /** The latest first. */
  runs: ScheduleRun[];
}

const temporalOverlaps = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'buffer-all': ScheduleOverlapPolicy.BUFFER_ALL,
  'cancel-other': ScheduleOverlapPolicy.CANCEL_OTHER,
  'terminate-other': ScheduleOverlapPolicy.TERMINATE_OTHER,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
} satisfies Record<OverlapPolicy, ScheduleOverlapPolicy>;

export function toTemporalOverlap(policy: OverlapPolicy): ScheduleOverlapPolicy {
  return temporalOverlaps[policy];
}

const scheduledAt = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);
/** Runs of a schedule that are looked at. */
const latestRuns = 10;

export async function reportOfSchedule(client: Client, handle: ScheduleHandle): Promise<ScheduleReport> {
  const description = await handle.describe();
  const { policies, state, info, spec, memo } = description;
  const { cron, every, input, output, mode, flow } = memoOf(description.scheduleId, memo);
  const seconds = (ms: number | undefined): number => Math.round((ms ?? 0) / 1_000);
  return {
    schedule_id: description.scheduleId,
    flow,
    mode,
    input,
    output,
    cron,
    every_seconds: every === null ? null : seconds(every.everyMs),
    offset_seconds: every === null ? null : seconds(every.offsetMs),
    time_zone: spec.timezone ?? 'UTC',
    overlap: overlapPolicies.find((name) => temporalOverlaps[name] === policies.overlap) ?? 'skip',
    catch_up_seconds: seconds(policies.catchupWindow),
    jitter_seconds: seconds(spec.jitter),
    pause_on_failure: policies.pauseOnFailure,
    paused: state.paused,
    note: state.note ?? '',
    runs_made: info.numActionsTaken,
    runs_skipped: info.numActionsSkippedOverlap,
    runs_missed: info.numActionsMissedCatchupWindow,
    next_runs: info.nextActionTimes.map((time) => time.toISOString()),
    runs: await runsOf(client, description),
  };
}

/** What a memo says; of a schedule somebody made by hand, nothing. */
export function memoOf(scheduleId: string, memo: Record<string, unknown> | undefined): ScheduleMemo {
  const own = memo?.['schedule'];
  if (typeof own === 'object' && own !== null) return own as ScheduleMemo;
  return { cron: [], every: null, input: '', output: '', mode: 'emulated', flow: scheduleId };
}

async function runsOf(client: Client, { scheduleId }: ScheduleDescription): Promise<ScheduleRun[]> {
  const runs: Promise<ScheduleRun>[] = [];
  const query = `WorkflowType = 'scheduledRunWorkflow' AND TemporalScheduledById = '${scheduleId}'`;
  for await (const run of client.workflow.list({ query, pageSize: latestRuns })) {
    runs.push(reportOfRun(client, scheduleId, run));
    if (runs.length === latestRuns) break;
  }
  return (await Promise.all(runs)).sort((a, b) => b.started_at.localeCompare(a.started_at));
}

async function reportOfRun(client: Client, scheduleId: string, run: WorkflowExecutionInfo): Promise<ScheduleRun> {
  const at = run.typedSearchAttributes.get(scheduledAt) ?? run.startTime;
  const base = {
    batch_id: scheduledBatchId(scheduleId, at.getTime()),
    scheduled_at: at.toISOString(),
    started_at: run.startTime.toISOString(),
    closed_at: run.closeTime?.toISOString() ?? null,
  };
  const nothing = { error_code: null, error_message: null, output: null, cost_usd: null };
  if (run.status.name === 'RUNNING') return { ...base, ...nothing, status: 'running' };
  try {
    const result = (await client.workflow.getHandle(run.workflowId, run.runId).result()) as ScheduledRunResult;
    return { ...base, ...nothing, status: result.status, output: result.output, cost_usd: result.costUsd };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    if (!(cause instanceof ApplicationFailure)) {
      return { ...base, ...nothing, status: run.status.name === 'CANCELLED' ? 'cancelled' : 'terminated' };
    }
    const code = isErrorCode(cause.type) ? cause.type : 'INTERNAL';
    return { ...base, ...nothing, status: 'failed', error_code: code, error_message: cause.message };
  }
}
