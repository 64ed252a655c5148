import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ApiSettings } from '../../client/api-settings.ts';
import { forgetInput, keepInput, keptInputs } from '../../client/input/kept-input.ts';
import type { ScheduleReport } from '../../client/schedule-report.ts';
import type { ScheduleInput } from '../../client/schedules.ts';
import type { Sluice } from '../../client/sluice.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/role.ts';
import { runTimeScope } from '../../domain/schedule.ts';
import { renderTemplate } from '../../domain/templates.ts';
import { assertInputUrl, type ArrivingInput } from '../../providers/http/fetch-input.ts';
import { noItems } from '../batches/create-batch.ts';
import { specOf } from '../batches/options.ts';
import { inputOf, outputOf } from '../batches/places.ts';
import { itemsInput } from '../batches/read-request.ts';
import { readUpload } from '../batches/upload.ts';
import { EngineLink } from '../engine-link.ts';
import { homeToken, settingsToken } from '../tokens.ts';
import { scheduleOptionsSchema, type NewScheduleBody, type ScheduleOptions } from './schemas.ts';

/** Rows that are no items and are told of in the answer. */
const maxRejectedRows = 100;

/** Makes schedules. */
@Injectable()
export class CreateSchedule {
  readonly #engine: EngineLink;
  readonly #settings: ApiSettings;
  readonly #home: string;

  constructor(
    @Inject(EngineLink) engine: EngineLink,
    @Inject(settingsToken) settings: ApiSettings,
    @Inject(homeToken) home: string,
  ) {
    this.#engine = engine;
    this.#settings = settings;
    this.#home = home;
  }

  /** @param body absent where the request is an upload */
  async create(request: FastifyRequest, body: NewScheduleBody | undefined, caller: Caller): Promise<ScheduleReport> {
    this.#engine.assertRoom();
    if (body === undefined) {
      const upload = await readUpload(request, this.#settings.max_upload_bytes, scheduleOptionsSchema);
      return await this.#withKept(upload.options, { stream: upload.file, name: upload.filename }, caller);
    }
    const { items, url, path = '', ...options } = body;
    if (items !== undefined) return await this.#withKept({ ...options, format: 'jsonl' }, itemsInput(items), caller);
    const fill = fillOf(options);
    if (url !== undefined) assertInputUrl(addressOf(fill(url)), this.#settings);
    const input = url ?? (await inputOf(this.#home, this.#settings, path, fill));
    return await this.#make(await this.#engine.forSubmission(), options, input, caller);
  }

  /** A schedule with an input of its own, which is there as long as the schedule is. */
  async #withKept(options: ScheduleOptions, arriving: ArrivingInput, caller: Caller): Promise<ScheduleReport> {
    const sluice = await this.#engine.forSubmission();
    const path = await keepInput(keptInputs(this.#home), arriving);
    try {
      const { format, encoding } = options;
      const spec = specOf(this.#home, options, caller);
      // What will never change is looked at once, so that nobody waits for a run to hear that it is no input.
      const input = { path, name: arriving.name };
      const plan = await sluice.plan({ input, format, encoding, localFiles: false, spec, maxRejectedRows });
      if (plan.total === 0) throw noItems(plan.rejectedRows.map(({ rowNumber: row, message }) => ({ row, message })));
      return await this.#make(sluice, options, path, caller);
    } catch (error) {
      await forgetInput(path);
      throw error;
    }
  }

  async #make(sluice: Sluice, options: ScheduleOptions, input: string, caller: Caller): Promise<ScheduleReport> {
    const { schedule_id: id, output = id, format, encoding } = options;
    return await sluice.schedules.create({
      ...timingOf(options),
      id,
      input,
      output: await outputOf(this.#home, this.#settings, output, fillOf(options)),
      format,
      encoding,
      spec: specOf(this.#home, options, caller),
      paused: options.paused,
      note: options.note,
      remote: true,
    });
  }
}

function timingOf(options: ScheduleOptions): Omit<ScheduleInput, 'id' | 'input' | 'output'> {
  const ms = (seconds: number | undefined): number | undefined =>
    seconds === undefined ? undefined : Math.round(seconds * 1_000);
  const everyMs = ms(options.every_seconds);
  return {
    cron: options.cron,
    every: everyMs === undefined ? undefined : { everyMs, offsetMs: ms(options.offset_seconds) },
    timeZone: options.time_zone,
    startAt: options.start_at,
    endAt: options.end_at,
    overlap: options.overlap,
    catchUpMs: ms(options.catch_up_seconds),
    jitterMs: ms(options.jitter_seconds),
    pauseOnFailure: options.pause_on_failure,
  };
}

/** @throws SluiceError USAGE */
function addressOf(url: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw new SluiceError('USAGE', 'url: is no address once its template is filled in');
}

/** Fills templates in as a run at this moment would. */
function fillOf({ schedule_id: scheduleId, time_zone: timeZone = 'UTC' }: ScheduleOptions): (text: string) => string {
  const scope = runTimeScope({ scheduleId, timeZone }, Date.now());
  return (text) => renderTemplate(text, scope);
}
