import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { EngineLink } from '../engine-link.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';

const tag = 'Schedules';
const params = z.object({ schedule: z.string().min(1).max(200).describe('Name of the schedule') });

const entry = z
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
const schedule = z
  .looseObject({
    schedule_id: z.string(),
    flow: z.string(),
    mode: z.enum(['live', 'emulated']),
    input: z.string(),
    output: z.string(),
    cron: z.array(z.string()),
    every_seconds: z.number().nullable(),
    time_zone: z.string(),
    overlap: z.string(),
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
/** Schedules belong to no project, so a token of one project has nothing to do with them. */
const common = { tag, params, allProjects: true } as const;
const changed = { 202: { description: 'Taken up; the schedule.', schema: schedule } };

const list = describe({
  method: 'GET',
  path: 'schedules',
  role: 'read',
  allProjects: true,
  tag,
  summary: 'Recurring batches',
  replies: {
    200: { description: 'The schedules.', schema: z.strictObject({ data: z.array(entry) }).meta({ id: 'Schedules' }) },
  },
});
const show = describe({
  ...common,
  method: 'GET',
  path: 'schedules/:schedule',
  role: 'read',
  summary: 'One schedule, its latest runs and the next',
  replies: { 200: { description: 'The schedule.', schema: schedule } },
});
const pause = describe({
  ...common,
  method: 'POST',
  path: 'schedules/:schedule/pause',
  role: 'run',
  summary: 'Make no more runs',
  replies: changed,
});
const resume = describe({
  ...common,
  method: 'POST',
  path: 'schedules/:schedule/resume',
  role: 'run',
  summary: 'Make runs again',
  replies: changed,
});
const run = describe({
  ...common,
  method: 'POST',
  path: 'schedules/:schedule/run',
  role: 'run',
  summary: 'Make a run now',
  replies: changed,
});
const remove = describe({
  ...common,
  method: 'DELETE',
  path: 'schedules/:schedule',
  role: 'admin',
  summary: 'Remove a schedule; its batches stay',
  replies: {
    200: { description: 'It is gone.', schema: z.strictObject({ schedule_id: z.string() }).meta({ id: 'Removed' }) },
  },
});

/**
 * Recurring batches. They are made by the command line alone: what a run reads is a path on the engine's machine,
 * which nobody elsewhere may name.
 */
@Controller('api')
export class SchedulesController {
  readonly #engine: EngineLink;

  constructor(@Inject(EngineLink) engine: EngineLink) {
    this.#engine = engine;
  }

  @Endpoint(list)
  async list() {
    return { data: await Array.fromAsync((await this.#schedules()).list()) };
  }

  @Endpoint(show)
  async show(@Input() { params: { schedule: id } }: Given<typeof show>) {
    return (await this.#schedules()).show(id);
  }

  @Endpoint(pause)
  async pause(@Input() { params: { schedule: id } }: Given<typeof pause>) {
    const schedules = await this.#schedules();
    await schedules.pause(id);
    return schedules.show(id);
  }

  @Endpoint(resume)
  async resume(@Input() { params: { schedule: id } }: Given<typeof resume>) {
    const schedules = await this.#schedules();
    await schedules.resume(id);
    return schedules.show(id);
  }

  @Endpoint(run)
  async run(@Input() { params: { schedule: id } }: Given<typeof run>) {
    const schedules = await this.#schedules();
    await schedules.run(id);
    return schedules.show(id);
  }

  @Endpoint(remove)
  async remove(@Input() { params: { schedule: id } }: Given<typeof remove>) {
    await (await this.#schedules()).delete(id);
    return { schedule_id: id };
  }

  async #schedules() {
    return (await this.#engine.sluice()).schedules;
  }
}
