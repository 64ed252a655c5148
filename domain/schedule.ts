import { z } from 'zod';
import type { BatchSpec } from './batch-spec.ts';
import type { BatchCounts, BatchInput, BatchStatus } from './batch.ts';
import type { BatchStart } from './batch-start.ts';
import type { ProviderMode } from './ids.ts';
import { overlapPolicies } from './overlap.ts';

const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

/** When a schedule runs. Times are the union of `cron` and `every`. */
export const scheduleTimingSchema = z
  .strictObject({
    /** 5 fields (minute, hour, day, month, weekday), 6 (with year) or 7 (with second first), or `@daily` and the like. */
    cron: z.array(z.string().trim().min(1)).max(20).default([]),
    /** A fixed time apart, counted from 1970 plus the offset. */
    every: z
      .strictObject({ everyMs: z.int().min(1_000), offsetMs: z.int().min(0).default(0) })
      .nullable()
      .default(null),
    /** IANA name; of `cron`, and of the dates in names of directories. */
    timeZone: z.string().refine(isTimeZone, 'is no time zone (IANA name, such as Europe/Berlin)').default('UTC'),
    /** No runs before and after, ISO 8601. */
    startAt: z.iso.datetime({ offset: true }).nullable().default(null),
    endAt: z.iso.datetime({ offset: true }).nullable().default(null),
    overlap: z.enum(overlapPolicies).default('skip'),
    /** How late a run that was missed, because no engine ran, is still made; milliseconds. */
    catchUpMs: z.int().min(10_000).default(86_400_000),
    /** Each run begins up to this much later, by chance; milliseconds. */
    jitterMs: z.int().min(0).default(0),
    /** Pause the schedule when a run could not be staged or was ended from outside. */
    pauseOnFailure: z.boolean().default(false),
  })
  .refine(({ cron, every }) => cron.length > 0 || every !== null, 'needs cron or every');
export type ScheduleTiming = z.output<typeof scheduleTimingSchema>;
export type ScheduleTimingInput = z.input<typeof scheduleTimingSchema>;

export const scheduleIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/, 'may have letters, digits, - and _, at most 60');

/** What each run of a schedule submits: the input of `scheduledRunWorkflow`. */
export interface ScheduledRunInput {
  scheduleId: string;
  timeZone: string;
  /** Absolute path, pattern or address of the input; a template over the run's time. */
  input: string;
  /** Directory or address of a store; a template over the run's time. */
  output: string;
  format: 'auto' | 'csv' | 'jsonl';
  encoding: string | null;
  /** As the schedule was made: a run never changes sides. */
  mode: ProviderMode;
  spec: BatchSpec;
  /** Made over REST: a run reads and writes only where the service may. */
  remote?: true;
}

/** What a run staged, and what its batch is to be started with. */
export interface StagedRun {
  batch: BatchInput;
  start: BatchStart;
  /** Directory, or address of the store. */
  output: string;
  /** The trace it was staged in, by the names of headers; left out where none are made. */
  trace?: Record<string, string>;
}

/** What a run of a schedule came to. */
export interface ScheduledRunResult {
  batchId: string;
  output: string;
  status: BatchStatus;
  counts: BatchCounts;
  costUsd: number;
}

/** Id of the batch of a run: the same run never makes two. */
export function scheduledBatchId(scheduleId: string, atMs: number): string {
  const stamp = new Date(atMs).toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15);
  return `${scheduleId}_${stamp}`;
}

/** What templates of a schedule see: the run's time on the clocks of its time zone. */
export function runTimeScope(
  { scheduleId, timeZone }: Pick<ScheduledRunInput, 'scheduleId' | 'timeZone'>,
  atMs: number,
): Record<string, string> {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const { year = '', month = '', day = '', hour = '', minute = '', second = '' } = parts;
  return {
    schedule: scheduleId,
    batch: scheduledBatchId(scheduleId, atMs),
    date: `${year}-${month}-${day}`,
    time: `${hour}${minute}${second}`,
    year,
    month,
    day,
    hour,
    minute,
  };
}
