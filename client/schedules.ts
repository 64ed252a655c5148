import { join, resolve, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleHandle,
} from '@temporalio/client';
import type { BatchSpecInput } from '../domain/batch-spec.ts';
import { SluiceError } from '../domain/errors.ts';
import { coreTaskQueue } from '../domain/ids.ts';
import type { OverlapPolicy } from '../domain/overlap.ts';
import {
  runTimeScope,
  scheduleIdSchema,
  scheduleTimingSchema,
  type ScheduledRunInput,
  type ScheduleTiming,
  type ScheduleTimingInput,
} from '../domain/schedule.ts';
import { renderTemplate } from '../domain/templates.ts';
import { displayPath } from './batch-report.ts';
import { explain } from './errors.ts';
import { forgetInput, keptInputs } from './input/kept-input.ts';
import { isAddress, type InputFormat } from './input/source.ts';
import { modeOf, type Given } from './modes.ts';
import { storeUriOf } from './output-directory.ts';
import {
  memoOf,
  reportOfSchedule,
  toTemporalOverlap,
  type ScheduleMemo,
  type ScheduleReport,
} from './schedule-report.ts';
import { listSchedules, type ScheduleListEntry } from './schedule-list.ts';
import { resolveBatch } from './batch-flow.ts';

/** A schedule that is to be made. `input` and `output` are templates over the time of a run: docs/schedules.md. */
export interface ScheduleInput extends ScheduleTimingInput {
  /** Name of the schedule; ids of its batches begin with it. */
  id: string;
  /** Path of the input, or an address or pattern of files; read anew by each run. */
  input: string;
  /** Directory, or address of a store. Without a template in it, each run gets a directory below by its date. */
  output: string;
  /** @default 'auto' */
  format?: InputFormat | undefined;
  encoding?: string | undefined;
  /** Options of each run's batch. */
  spec?: BatchSpecInput | undefined;
  /** Make it paused. @default false */
  paused?: boolean | undefined;
  /** Said in lists: why it is paused, or what it is for. */
  note?: string | undefined;
  /** Made for somebody elsewhere: its runs read and write only where the REST service may. @default false */
  remote?: boolean | undefined;
}

/** Times that are made up for. */
export interface BackfillOptions {
  /** ISO 8601; both inclusive. */
  from: string;
  to: string;
  /** @default 'buffer-all': one after the other */
  overlap?: OverlapPolicy | undefined;
}

/** Recurring batches, on Temporal Schedules. */
export class Schedules {
  private readonly client: Client;
  private readonly given: Given;
  private readonly home: string;

  /** @param home where flows of the user are found */
  constructor(client: Client, given: Given, home: string) {
    this.client = client;
    this.given = given;
    this.home = home;
  }

  /**
   * @throws SluiceError USAGE naming field and rule, INVALID_INPUT for a template that cannot be rendered,
   * SCHEDULE_EXISTS
   */
  async create(options: ScheduleInput): Promise<ScheduleReport> {
    const { id, input, output, format, encoding, spec, paused, note, remote, ...timing } = options;
    const scheduleId = checked('id', scheduleIdSchema.safeParse(id));
    const times = checked('schedule', scheduleTimingSchema.safeParse(timing));
    const parsed = await resolveBatch(spec, { home: this.home, models: this.given.models });
    if (spec?.comfy !== undefined)
      throw new SluiceError('USAGE', 'Sprites cannot be scheduled yet: their graph is planned by sluice generate.');
    const hasTemplate = output.includes('{{');
    const place = displayPath(storeUriOf(output));
    const run: ScheduledRunInput = {
      scheduleId,
      timeZone: times.timeZone,
      input: isAddress(input) ? input : resolve(input),
      output: hasTemplate ? place : `${place}/{{ date }}`,
      format: format ?? 'auto',
      encoding: encoding ?? null,
      mode: modeOf(parsed.flow, this.given),
      spec: parsed.spec,
      ...(remote === true ? { remote } : {}),
    };
    const scope = runTimeScope(run, Date.now());
    renderTemplate(run.input, scope, 'input');
    renderTemplate(run.output, scope, 'output');
    try {
      await this.client.schedule.create({
        scheduleId,
        spec: specOf(times),
        policies: {
          overlap: toTemporalOverlap(times.overlap),
          catchupWindow: times.catchUpMs,
          pauseOnFailure: times.pauseOnFailure,
        },
        action: {
          type: 'startWorkflow',
          workflowType: 'scheduledRunWorkflow',
          workflowId: `${scheduleId}/run`,
          taskQueue: coreTaskQueue,
          args: [run],
          staticSummary: `${parsed.flow.name}: run of ${scheduleId}`,
        },
        memo: { schedule: toMemo(run, times) },
        state: { paused: paused ?? false, ...(note === undefined ? {} : { note }) },
      });
    } catch (error) {
      if (error instanceof ScheduleAlreadyRunning) {
        throw new SluiceError('SCHEDULE_EXISTS', `There is a schedule ${scheduleId} already.`, { cause: error });
      }
      // The client reads cron expressions itself.
      if (error instanceof TypeError || error instanceof RangeError) {
        throw new SluiceError('USAGE', `cron: ${error.message}`, { cause: error });
      }
      throw explain(error, scheduleId);
    }
    return this.show(scheduleId);
  }

  list(): AsyncGenerator<ScheduleListEntry> {
    return listSchedules(this.client);
  }

  /** The schedule, its next runs and the latest ones. */
  show(id: string): Promise<ScheduleReport> {
    return this.on(id, (handle) => reportOfSchedule(this.client, handle));
  }

  /** Runs that are under way go on. */
  pause(id: string, note = 'Paused by request'): Promise<void> {
    return this.on(id, async (handle) => {
      await handle.pause(note || 'Paused by request');
      await untilPaused(handle, true);
    });
  }

  resume(id: string, note = 'Resumed by request'): Promise<void> {
    return this.on(id, async (handle) => {
      // To the server an empty note is no order.
      await handle.unpause(note || 'Resumed by request');
      await untilPaused(handle, false);
    });
  }

  /**
   * Makes a run now, also of a schedule that is paused.
   * @throws SluiceError BATCH_RUNNING where a run is under way and the overlap policy would skip this one
   */
  run(id: string): Promise<void> {
    return this.on(id, async (handle) => {
      const { policies, info } = await handle.describe();
      if (policies.overlap === ScheduleOverlapPolicy.SKIP && info.runningActions.length > 0) {
        throw new SluiceError('BATCH_RUNNING', `A run of ${id} is under way, and its overlap policy is to skip.`);
      }
      // Without a policy a triggered run would run beside others, whatever the schedule says.
      await handle.trigger(policies.overlap);
    });
  }

  /** Makes the runs of a time that has passed; those that were made do only what is missing. */
  async backfill(id: string, { from, to, overlap = 'buffer-all' }: BackfillOptions): Promise<void> {
    const start = dateOf('from', from);
    const end = dateOf('to', to);
    if (start > end) throw new SluiceError('USAGE', 'from: must not be after to');
    await this.on(id, (handle) => handle.backfill({ start, end, overlap: toTemporalOverlap(overlap) }));
  }

  /** Removes the schedule; its batches stay, also one that runs. */
  delete(id: string): Promise<void> {
    return this.on(id, async (handle) => {
      const { input } = memoOf(id, (await handle.describe()).memo);
      await handle.delete();
      if (input.startsWith(join(keptInputs(this.home), sep))) await forgetInput(input);
    });
  }

  private async on<T>(id: string, body: (handle: ScheduleHandle) => Promise<T>): Promise<T> {
    try {
      return await body(this.client.schedule.getHandle(id));
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) {
        throw new SluiceError('SCHEDULE_NOT_FOUND', `There is no schedule ${id}.`, { cause: error });
      }
      throw explain(error, id);
    }
  }
}

/** The server takes an order at once and follows it a moment later; who looks then is to see it done. */
async function untilPaused(handle: ScheduleHandle, paused: boolean): Promise<void> {
  for (let look = 1; look <= 50; look += 1) {
    if ((await handle.describe()).state.paused === paused) return;
    await delay(20 * look);
  }
}

function specOf({ cron, every, timeZone, startAt, endAt, jitterMs }: ScheduleTiming) {
  return {
    cronExpressions: cron,
    intervals: every === null ? [] : [{ every: every.everyMs, offset: every.offsetMs }],
    timezone: timeZone,
    jitter: jitterMs,
    ...(startAt === null ? {} : { startAt: new Date(startAt) }),
    ...(endAt === null ? {} : { endAt: new Date(endAt) }),
  };
}

function toMemo({ input, output, mode, spec }: ScheduledRunInput, { cron, every }: ScheduleTiming): ScheduleMemo {
  return { cron, every, input, output, mode, flow: spec.flow };
}

function checked<T>(
  field: string,
  parsed:
    { success: true; data: T } | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } },
): T {
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SluiceError('USAGE', `${issue?.path.join('.') || field}: ${issue?.message ?? 'is not valid'}`);
}

function dateOf(field: string, text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new SluiceError('USAGE', `${field}: must be a time, such as 2026-01-31T02:00:00Z`);
  return date;
}
