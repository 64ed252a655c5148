import { createHash } from 'node:crypto';
import { activityInfo } from '@temporalio/activity';
import { SluiceError } from '../domain/errors.ts';
import type { ResultRow } from '../domain/result.ts';
import { parseStepRecord, stepRecordKey, type StepRecord } from '../domain/step-record.ts';
import { holds, type TemplateScope } from '../domain/templates.ts';
import type { Attempt } from './attempt.ts';
import type { PaidResults } from './paid-results.ts';
import { readItem } from './read-page.ts';
import type { StepDeps, StepResult, StepWork } from './step-work.ts';
import { storePaid } from './store-paid.ts';
import type { StepOutcome } from './types.ts';

interface Tools<Request> {
  work: StepWork<Request>;
  /** Results whose record storage refused. */
  paid: PaidResults<StepResult>;
}

/** One attempt at a step, from its condition to the condition of its loop. */
export async function runStep<Request>(
  deps: StepDeps,
  { work, paid }: Tools<Request>,
  attempt: Attempt,
): Promise<StepOutcome> {
  const { input, scope, log } = attempt;
  if (scope === null) return runPlain(work, attempt);
  const { step } = input;
  if (step.when !== undefined && !holds(step.when, scope, `steps.${step.id}.when`)) {
    return { ...attempt.succeeded(null), skipped: true, ...doneOf(attempt, scope) };
  }
  const request = await work.request(attempt);
  const hash = hashOf(attempt, request);
  const own = attempt.as({ ...attempt.item, requestHash: hash });
  const key = stepRecordKey(attempt.item.name, step.id, input.round);
  const found = await findRecord(work, own, key);
  if (found !== null) return outcomeOf(work, own, { key, record: found });

  const paidKey = `${input.storeUri} ${input.batchId} ${key} ${hash}`;
  const kept = paid.take(paidKey);
  if (kept !== undefined) log.addSpent(kept.spent);
  const result = kept?.result ?? (await call(deps, own, () => work.run(own, request)));
  if (result.question !== undefined) return { ...attempt.succeeded(null), question: result.question };
  if (result.video !== undefined) return { ...attempt.succeeded(null), video: result.video };
  const record = recordOf(own, result);
  try {
    await storePaid(deps.storagePatienceMs ?? 5_000, async () => {
      // A directory that was moved away is not made anew elsewhere.
      await readItem(attempt.store, input.ref);
      await attempt.store.put(key, `${JSON.stringify(record, null, 2)}\n`);
    });
  } catch (error) {
    paid.keep(paidKey, { result, spent: log.takeSpent() });
    throw error;
  }
  return outcomeOf(work, own, { key, record });
}

/** Calls a model that has others beside it only while it is up, and keeps whether it is. */
async function call<T>({ health }: StepDeps, { input, log }: Attempt, run: () => Promise<T>): Promise<T> {
  const model = input.model?.key;
  if (health === undefined || model === undefined) return run();
  if (input.hasFallback === true) health.assertUp(model, Date.now());
  const callsBefore = log.calls;
  try {
    const result = await run();
    if (log.calls > callsBefore) health.isUp(model);
    return result;
  } catch (error) {
    if (error instanceof SluiceError) health.failed(model, error.code, Date.now());
    throw error;
  }
}

/** An item of one step without templates: its file and sidecar are its record. */
async function runPlain<Request>(work: StepWork<Request>, attempt: Attempt): Promise<StepOutcome> {
  const { row, path, video } = await work.run(attempt, await work.request(attempt));
  if (video !== undefined) return { ...attempt.succeeded(null), video };
  return row ?? attempt.succeeded(path ?? null);
}

/** The record of an earlier attempt at the same request, by this model or another one of the step's. */
async function findRecord<Request>(
  { publish }: StepWork<Request>,
  { store, item, input: { batchId, step, model } }: Attempt,
  key: string,
): Promise<StepRecord | null> {
  const bytes = await store.get(key);
  const record = bytes === null ? null : parseStepRecord(bytes.toString('utf8'));
  if (record?.batch_id !== batchId || record.request_hash !== item.requestHash) return null;
  const others = item.anew?.includes(step.id) === true ? [] : (step.model?.models ?? []);
  const models = [...(model === undefined ? [] : [model.key]), ...others];
  if (models.length > 0 && !models.includes(record.model ?? '')) return null;
  const mustExist = publish === undefined && record.path !== null;
  return mustExist && (await store.stat(record.path ?? '')) === null ? null : record;
}

function recordOf(attempt: Attempt, { row: earlier, model, path = null, ...made }: StepResult): StepRecord {
  const { batchId, step, round } = attempt.input;
  const row = earlier ?? attempt.succeeded(path);
  return {
    batch_id: batchId,
    step: step.id,
    round,
    request_hash: attempt.item.requestHash ?? '',
    model: model ?? (row.model === '' ? null : row.model),
    ...made,
    path,
    calls: row.calls,
    usage: {
      inputTokens: row.input_tokens,
      outputTokens: row.output_tokens,
      images: row.images,
      ...(row.video_seconds === undefined ? {} : { videoSeconds: row.video_seconds }),
    },
    cost_usd: row.cost_usd,
    seconds: row.processing_time_seconds,
    run_id: runId(),
    finished_at: row.finished_at,
  };
}

async function outcomeOf<Request>(
  { publish }: StepWork<Request>,
  attempt: Attempt,
  { key, record }: { key: string; record: StepRecord },
): Promise<StepOutcome> {
  const { scope, input } = attempt;
  // An earlier run of the item has said what it cost; an earlier attempt of this one has not.
  const reused = record.run_id !== runId();
  const { cached_from: cachedFrom } = record;
  const row = {
    ...attempt.succeeded(record.path),
    ...(reused ? {} : spentOf(record)),
    model: record.model ?? '',
    ...(cachedFrom === undefined ? {} : { cached_from: cachedFrom }),
  };
  await publish?.(attempt, record, { ...row, ...spentOf(record) });
  const { path, model } = record;
  return {
    ...row,
    made: { key, path, ...(model === null ? {} : { model }) },
    ...(reused ? { reused } : {}),
    ...(scope === null ? {} : doneOf(attempt, { ...scope, steps: { ...scope.steps, [input.step.id]: record } })),
  };
}

function spentOf({ calls, usage, cost_usd, seconds }: StepRecord): Partial<ResultRow> {
  const { inputTokens, outputTokens, images, videoSeconds } = usage;
  const used = { input_tokens: inputTokens, output_tokens: outputTokens, images };
  const video = videoSeconds === undefined ? {} : { video_seconds: videoSeconds };
  return { calls, ...used, ...video, cost_usd, processing_time_seconds: seconds };
}

function doneOf({ input: { step, until } }: Attempt, scope: TemplateScope): { done?: boolean } {
  return until === undefined ? {} : { done: holds(until, scope, `steps.${step.id}, until`) };
}

/** Of everything that determines the result but the model; that is compared by itself. */
function hashOf({ input: { step, mode } }: Attempt, request: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([step.uses, mode, request]))
    .digest('hex');
}

/** Run of the item's workflow. */
export function runId(): string {
  return activityInfo().workflowExecution?.runId ?? '';
}
