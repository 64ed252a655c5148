import { z } from 'zod';
import { overlapPolicies } from '../../domain/overlap.ts';
import { scheduleIdSchema, scheduleTimingSchema } from '../../domain/schedule.ts';
import { batchOptionsSchema, inputFields } from '../batches/schemas.ts';

const timing = scheduleTimingSchema.shape;
const seconds = z.number().max(315_360_000);

const scheduleFields = {
  schedule_id: scheduleIdSchema.describe('Name of the schedule; ids of its batches begin with it'),
  cron: timing.cron.unwrap().optional().describe('When, as cron: 0 2 * * *, or @daily'),
  every_seconds: seconds.min(1).optional().describe('When, as an interval'),
  offset_seconds: seconds.min(0).optional().describe('Of the interval, from midnight UTC'),
  time_zone: timing.timeZone.unwrap().optional().describe('Of cron and of dates in names; by default UTC'),
  start_at: timing.startAt.unwrap().unwrap().optional().describe('No run before, ISO 8601'),
  end_at: timing.endAt.unwrap().unwrap().optional().describe('No run after, ISO 8601'),
  overlap: z.enum(overlapPolicies).optional().describe('What becomes of a run that is due while another is under way'),
  catch_up_seconds: seconds.min(10).optional().describe('How late a run that was missed is still made'),
  jitter_seconds: seconds.min(0).optional().describe('Each run begins up to this much later, by chance'),
  pause_on_failure: z.boolean().optional().describe('Pause when a run cannot be staged'),
  paused: z.boolean().optional().describe('Make it paused'),
  note: z.string().max(500).optional().describe('What it is for'),
};

/** A schedule and the options of its batches: the names of the command line's. */
export const scheduleOptionsSchema = batchOptionsSchema.extend({
  ...scheduleFields,
  output: batchOptionsSchema.shape.output.describe(
    'Directory below the service’s root, or a template of one; by default the name of the schedule and the date',
  ),
});
export type ScheduleOptions = z.output<typeof scheduleOptionsSchema>;

export const newScheduleBody = scheduleOptionsSchema
  .extend({
    ...inputFields,
    path: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe('File below input_root of the configuration, or a template of one; read anew by each run'),
  })
  .refine(({ items, url, path }) => [items, url, path].filter((input) => input !== undefined).length === 1, {
    message: 'give one of items, url and path, or upload a file',
    path: ['items'],
  })
  .meta({ id: 'NewSchedule' });
export type NewScheduleBody = z.output<typeof newScheduleBody>;

export const noteBody = z.strictObject({ note: z.string().max(500).optional() }).meta({ id: 'ScheduleNote' });

export const backfillBody = z
  .strictObject({
    from: z.string().min(1).describe('ISO 8601, inclusive'),
    to: z.string().min(1).describe('ISO 8601, inclusive'),
    overlap: z.enum(overlapPolicies).optional().describe('By default buffer-all: one after the other'),
  })
  .meta({ id: 'Backfill' });

export const scheduleEntry = z
  .strictObject({
    schedule_id: z.string(),
    flow: z.string(),
    cron: z.array(z.string()),
    every_seconds: z.number().nullable(),
    time_zone: z.string(),
    paused: z.boolean(),
    note: z.string(),
    next_run: z.string().nullable(),
    last_run: z.string().nullable(),
  })
  .meta({ id: 'ScheduleEntry' });

export const scheduleReply = z
  .looseObject({
    schedule_id: z.string(),
    flow: z.string(),
    mode: z.enum(['live', 'emulated']),
    input: z.string(),
    output: z.string(),
    cron: z.array(z.string()),
    every_seconds: z.number().nullable(),
    time_zone: z.string(),
    overlap: z.enum(overlapPolicies),
    paused: z.boolean(),
    note: z.string(),
    runs_made: z.int(),
    runs_skipped: z.int(),
    runs_missed: z.int(),
    next_runs: z.array(z.string()),
    runs: z.array(
      z.looseObject({
        batch_id: z.string(),
        scheduled_at: z.string(),
        status: z.string(),
        error_code: z.string().nullable(),
        cost_usd: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: 'Schedule' });
