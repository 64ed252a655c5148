import { Controller, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EngineLink } from '../engine-link.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';
import { CreateSchedule } from './create-schedule.ts';
import { backfillBody, newScheduleBody, noteBody, scheduleEntry, scheduleReply } from './schemas.ts';

const tag = 'Schedules';
const params = z.object({ schedule: z.string().min(1).max(200).describe('Name of the schedule') });

/** Schedules belong to no project, so a token of one project has nothing to do with them. */
const common = { tag, params, allProjects: true } as const;
const changed = { 202: { description: 'Taken up; the schedule.', schema: scheduleReply } };

const create = describe({
  method: 'POST',
  path: 'schedules',
  role: 'admin',
  allProjects: true,
  tag,
  summary: 'Make a schedule; each run reads the input anew',
  body: newScheduleBody,
  upload: true,
  replies: { 201: { description: 'The schedule.', schema: scheduleReply } },
});
const list = describe({
  method: 'GET',
  path: 'schedules',
  role: 'read',
  allProjects: true,
  tag,
  summary: 'Recurring batches',
  replies: {
    200: {
      description: 'The schedules.',
      schema: z.strictObject({ data: z.array(scheduleEntry) }).meta({ id: 'Schedules' }),
    },
  },
});
const show = describe({
  ...common,
  method: 'GET',
  path: 'schedules/:schedule',
  role: 'read',
  summary: 'One schedule, its latest runs and the next',
  replies: { 200: { description: 'The schedule.', schema: scheduleReply } },
});
const pause = describe({
  ...common,
  method: 'POST',
  path: 'schedules/:schedule/pause',
  role: 'run',
  summary: 'Make no more runs; those under way go on',
  body: noteBody,
  replies: changed,
});
const resume = describe({
  ...common,
  method: 'POST',
  path: 'schedules/:schedule/resume',
  role: 'run',
  summary: 'Make runs again',
  body: noteBody,
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
const backfill = describe({
  ...common,
  method: 'POST',
  path: 'schedules/:schedule/backfill',
  role: 'run',
  summary: 'Make the runs of a time that has passed; those that were made do only what is missing',
  body: backfillBody,
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

/** Recurring batches. */
@Controller('api')
export class SchedulesController {
  readonly #engine: EngineLink;
  readonly #creation: CreateSchedule;

  constructor(@Inject(EngineLink) engine: EngineLink, @Inject(CreateSchedule) creation: CreateSchedule) {
    this.#engine = engine;
    this.#creation = creation;
  }

  @Endpoint(create)
  create(@Input() { body, caller }: Given<typeof create>, @Req() request: FastifyRequest) {
    return this.#creation.create(request, body, caller);
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
  async pause(@Input() { params: { schedule: id }, body }: Given<typeof pause>) {
    const schedules = await this.#schedules();
    await schedules.pause(id, body.note);
    return schedules.show(id);
  }

  @Endpoint(resume)
  async resume(@Input() { params: { schedule: id }, body }: Given<typeof resume>) {
    const schedules = await this.#schedules();
    await schedules.resume(id, body.note);
    return schedules.show(id);
  }

  @Endpoint(run)
  async run(@Input() { params: { schedule: id } }: Given<typeof run>) {
    const schedules = await this.#schedules();
    await schedules.run(id);
    return schedules.show(id);
  }

  @Endpoint(backfill)
  async backfill(@Input() { params: { schedule: id }, body }: Given<typeof backfill>) {
    const schedules = await this.#schedules();
    await schedules.backfill(id, body);
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
