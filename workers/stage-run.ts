import type { Client } from '@temporalio/client';
import type { StageRun } from '../activities/stage-run.ts';
import type { ApiSettings } from '../client/api-settings.ts';
import { readBatchInfo } from '../client/batch-info.ts';
import { isAddress, sourceName, sourceOf, type InputSource } from '../client/input/source.ts';
import { assertServed, servicesOf, type Given, type Service } from '../client/modes.ts';
import type { OwnEngine } from '../client/other-engine.ts';
import { storeUriOf } from '../client/output-directory.ts';
import { resolveBatch } from '../client/batch-flow.ts';
import { assertInputBelow, assertOutputBelow } from '../client/service-places.ts';
import { prepare } from '../client/submit.ts';
import { batchStartOf } from '../domain/batch-start.ts';
import { SluiceError } from '../domain/errors.ts';
import type { ModelsFile } from '../domain/models.ts';
import { runTimeScope, scheduledBatchId, type ScheduledRunInput } from '../domain/schedule.ts';
import { renderTemplate } from '../domain/templates.ts';
import { fetchInput } from '../providers/http/fetch-input.ts';
import { openStore } from '../storage/open-store.ts';

export interface StageRunDeps {
  client: Client;
  engine: OwnEngine;
  /** Read for each run, as a command does. */
  models: () => Promise<ModelsFile>;
  /** What this worker can call. */
  live: Given['live'];
  /** Where schedules that were made over REST may read and write. */
  api: ApiSettings;
  /** Where what runs now is in a trace. @default in none */
  trace?: (() => Record<string, string>) | undefined;
}

/**
 * A submission on behalf of a schedule: the same code that a command runs, in a worker. A run that is made again,
 * by a retry or a backfill, has the same batch id and goes on with what is there.
 *
 * @throws SluiceError what a submission does, AUTH for a live schedule in an engine without a key, BATCH_RUNNING
 */
export function stageRunWith({ client, engine, live, api, ...deps }: StageRunDeps): StageRun {
  return async (run) => {
    const models = await deps.models();
    const { flow } = await resolveBatch(run.spec, { home: engine.home, models });
    assertServed(flow, run.mode, { live, models });
    const scope = runTimeScope(run, run.atMs);
    const batchId = scheduledBatchId(run.scheduleId, run.atMs);
    const output = await freeOutput(renderTemplate(run.output, scope), batchId, scope['time'] ?? '');
    if (run.remote === true) await assertOutputBelow(engine.home, api, output);
    const source = await sourceOfRun(run, renderTemplate(run.input, scope), { home: engine.home, api });
    const { submission, input } = await prepare(
      // The side is the schedule's, whatever this worker has keys of.
      { client, engine, models, live: run.mode === 'live' ? servicesOf(flow, models) : new Set<Service>() },
      {
        input: source,
        output,
        localFiles: run.remote !== true,
        format: run.format,
        encoding: run.encoding ?? undefined,
        spec: run.spec,
        resume: true,
        batchId,
      },
    );
    if (input === null) throw new SluiceError('BATCH_RUNNING', `Batch ${batchId} is running already.`);
    const start = batchStartOf(input, sourceName(source), Date.now());
    const trace = deps.trace === undefined ? {} : { trace: deps.trace() };
    return { batch: input, start, output: submission.output, ...trace };
  };
}

/** What a run reads; of one that was asked for over REST, only where the service may. */
async function sourceOfRun(
  { remote }: ScheduledRunInput,
  input: string,
  { home, api }: { home: string; api: ApiSettings },
): Promise<InputSource> {
  if (remote !== true) return sourceOf(input);
  if (isAddress(input)) return fetchInput(input, api);
  await assertInputBelow(home, api, input);
  return { path: input };
}

/** The directory of a run; where another batch has it, e.g. an earlier one of the same day, one beside it. */
async function freeOutput(output: string, batchId: string, time: string): Promise<string> {
  const info = await readBatchInfo(openStore(storeUriOf(output)));
  return info === null || info.batch_id === batchId ? output : `${output}-${time}`;
}
