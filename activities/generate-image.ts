import { setTimeout as delay } from 'node:timers/promises';
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { SluiceError } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { StagedItem } from '../domain/item.ts';
import { costUsd, findModel, type Model, type ModelsFile } from '../domain/models.ts';
import type { ResultRow } from '../domain/result.ts';
import type { ImageProvider, ImageResult } from '../providers/image-provider.ts';
import type { Limiter, Permit } from '../providers/limiter/limiter.ts';
import { ProviderError } from '../providers/provider-error.ts';
import type { Store } from '../storage/store.ts';
import { findFinished, imageFile, writeArtifact } from './artifact.ts';
import { AttemptLog } from './attempt-log.ts';
import { toFailure } from './failure.ts';
import { PaidResults } from './paid-results.ts';
import { readItem } from './read-page.ts';
import { readSourceImage } from './source-image.ts';
import type { ItemInput } from './types.ts';

export interface GenerateImageDeps {
  models: ModelsFile;
  limiter: Limiter;
  provider: (name: string, mode: ProviderMode) => ImageProvider;
  openStore: (uri: string) => Store;
  /** Aborted, with the failure to give, when no more calls are to be made: the worker is stopping. */
  stopping?: AbortSignal | undefined;
  /** How long an attempt tries to store a result that is paid for, milliseconds. @default 5000 */
  storagePatienceMs?: number;
}

const heartbeatMs = 5_000;

/**
 * Makes one item's image: finds what an earlier attempt finished, else waits for its turn, calls the
 * provider once and stores image and sidecar. Retries are Temporal's; this is one attempt.
 *
 * A call that is under way when the item is cancelled is heard out, because it is paid for. Only a
 * worker that shuts down gives it up.
 */
export function createGenerateImage(deps: GenerateImageDeps): (input: ItemInput) => Promise<ResultRow> {
  const busy = new Map<string, Promise<unknown>>();
  const paid = new PaidResults();
  return async (input) => {
    // Two attempts at one item can overlap when the first was given up for dead: the second waits and
    // then finds what the first one made.
    const key = `${input.storeUri} ${input.batchId} ${input.ref.id}`;
    const before = busy.get(key) ?? Promise.resolve();
    const attempt = before.then(() => runAttempt(deps, paid, input));
    const settled = attempt.then(
      () => undefined,
      () => undefined,
    );
    busy.set(key, settled);
    try {
      return await attempt;
    } finally {
      if (busy.get(key) === settled) busy.delete(key);
    }
  };
}

async function runAttempt(deps: GenerateImageDeps, paid: PaidResults, input: ItemInput): Promise<ResultRow> {
  const info = activityInfo();
  const log = new AttemptLog(info.heartbeatDetails);
  const heart = setInterval(() => {
    log.beat();
  }, heartbeatMs);
  const model = findModel(deps.models, input.ref.model);
  try {
    if (model === undefined) {
      throw new SluiceError('UNKNOWN_MODEL', `Model ${input.ref.model} is not in this worker's models.yaml.`);
    }
    const store = deps.openStore(input.storeUri);
    const item = await readItem(store, input.ref);
    const done = await findFinished(store, input.batchId, item);
    if (done !== null) return done;
    const key = `${input.storeUri} ${input.batchId} ${item.id} ${item.hash}`;
    const kept = paid.take(key);
    if (kept !== undefined) log.addSpent(kept.spent);
    const image = kept?.image ?? (await call(deps, input, model, store, item, log));
    try {
      return await storeImage(deps, input, model, store, item, log, image);
    } catch (error) {
      paid.keep(key, { image, spent: log.takeSpent() });
      throw error;
    }
  } catch (error) {
    if (error instanceof CancelledFailure || error === deps.stopping?.reason) throw error;
    throw failureOf(error, input, log, model);
  } finally {
    clearInterval(heart);
  }
}

async function call(
  deps: GenerateImageDeps,
  input: ItemInput,
  model: Model,
  store: Store,
  item: StagedItem,
  log: AttemptLog,
): Promise<ImageResult> {
  await requireRoom(store);
  const source = item.fromImage === undefined ? undefined : await readSourceImage(item.fromImage, cancellationSignal());
  const modelKey = limiterKey(input);
  const permit = await deps.limiter.acquire(
    [
      {
        key: modelKey,
        requestsPerMinute: model.limits.requests_per_minute,
        tokensPerMinute: model.limits.tokens_per_minute,
        imagesPerMinute: model.limits.images_per_minute,
        concurrency: model.limits.concurrency,
      },
      {
        key: batchLimiterKey(input.batchId),
        requestsPerMinute: input.ratePerMinute,
        revision: input.limitsRevision,
      },
    ],
    { tokens: Math.ceil(item.prompt.length / 4) + model.image_tokens, images: 1 },
    AbortSignal.any([cancellationSignal(), ...(deps.stopping === undefined ? [] : [deps.stopping])]),
  );
  try {
    log.called();
    const image = await deps.provider(item.provider, input.mode).generateImage(
      {
        model: item.model,
        prompt: item.prompt,
        ...(item.negativePrompt === undefined ? {} : { negativePrompt: item.negativePrompt }),
        seed: item.seed,
        aspectRatio: item.aspectRatio,
        ...(source === undefined ? {} : { source }),
        emptyReplies: log.emptyReplies,
      },
      {
        signal: shutdownSignal(),
        timeoutMs: input.timeoutMs,
        onSent: () => {
          permit.sent();
        },
      },
    );
    settle(permit, log, image.usage);
    return image;
  } catch (error) {
    settle(permit, log, error instanceof ProviderError ? error.usage : undefined);
    if (error instanceof ProviderError && error.code === 'RATE_LIMITED') {
      deps.limiter.slowDown(modelKey, error.retryAfterMs ?? 1_000);
    }
    throw error;
  } finally {
    permit.release();
  }
}

async function storeImage(
  deps: GenerateImageDeps,
  input: ItemInput,
  model: Model,
  store: Store,
  item: StagedItem,
  log: AttemptLog,
  image: ImageResult,
): Promise<ResultRow> {
  const row = rowOf(input, log, model, { status: 'succeeded' });
  const file = imageFile(item.name, image);
  row.output_path = file.path;
  await storePaid(deps, async () => {
    // A directory that was moved away is not made anew elsewhere.
    await readItem(store, input.ref);
    await writeArtifact(store, item, file, row, {
      batch_id: input.batchId,
      mode: input.mode,
      model_version: image.modelVersion ?? null,
      response_id: image.responseId ?? null,
      request: image.sent,
    });
  });
  return row;
}

/** A storage that fails for a moment is waited for; one that goes on failing is the batch's concern. */
async function storePaid(deps: GenerateImageDeps, write: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + (deps.storagePatienceMs ?? 5_000);
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      await write();
      return;
    } catch (error) {
      if (Date.now() + waitMs > deadline || shutdownSignal().aborted) throw error;
      await delay(waitMs);
    }
  }
}

/** Refuses to pay for what could not be stored. */
async function requireRoom(store: Store): Promise<void> {
  const free = await store.freeBytes();
  if (free !== null && free < minFreeBytes) {
    throw new SluiceError('STORAGE_FULL', `Only ${String(Math.floor(free / 1024))} KiB are free in ${store.uri}.`);
  }
}

const minFreeBytes = 16 * 1024 * 1024;

/** The model's limits are shared by all batches; an emulated model is another one than the live one. */
function limiterKey(input: ItemInput): string {
  return `model:${input.mode}:${input.ref.provider}/${input.ref.model}`;
}

export function batchLimiterKey(batchId: string): string {
  return `batch:${batchId}`;
}

function settle(permit: Permit, log: AttemptLog, usage: ImageResult['usage'] | undefined): void {
  permit.settle({ tokens: (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0), images: usage?.images ?? 0 });
  log.charged(usage);
}

/** Aborted only when the worker shuts down. */
function shutdownSignal(): AbortSignal {
  const controller = new AbortController();
  const signal = cancellationSignal();
  const look = (): void => {
    const reason: unknown = signal.reason;
    if (reason instanceof Error && reason.message === 'WORKER_SHUTDOWN') controller.abort(reason);
  };
  if (signal.aborted) look();
  else signal.addEventListener('abort', look, { once: true });
  return controller.signal;
}

/** Decides between another attempt and the end, and tells Temporal when. */
function failureOf(error: unknown, input: ItemInput, log: AttemptLog, model: Model | undefined): Error {
  const known = error instanceof SluiceError ? error : new SluiceError('INTERNAL', messageOf(error), { cause: error });
  const rateLimited = known.code === 'RATE_LIMITED';
  const empty = known.code === 'NO_OUTPUT';
  if (known.retryable) log.failed({ countsAgainstItem: !rateLimited, empty });
  const again = known.retryable && log.faults < input.retry.maxAttempts && !cancellationSignal().aborted;
  const row = rowOf(input, log, model, { status: 'failed', code: known.code, message: known.message });
  // Asking for it another way helps at once; waiting does not.
  const nextRetryDelayMs = empty ? 100 : rateLimited ? (known.retryAfterMs ?? 1_000) : backoffMs(input, log.faults);
  return toFailure(known, { nonRetryable: !again, nextRetryDelayMs, details: [row] });
}

/** initial, ×factor, … by the item's own failures: Temporal's attempt number counts rate limits too. */
function backoffMs({ retry }: ItemInput, faults: number): number {
  return Math.min(retry.initialMs * retry.factor ** Math.max(0, faults - 1), retry.maxMs);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function rowOf(
  input: ItemInput,
  log: AttemptLog,
  model: Model | undefined,
  end: { status: 'succeeded' } | { status: 'failed'; code: NonNullable<ResultRow['error_code']>; message: string },
): ResultRow {
  const { ref } = input;
  const { usage } = log;
  const now = Date.now();
  return {
    request_id: ref.id,
    index: ref.index,
    status: end.status,
    output_path: null,
    error_code: end.status === 'failed' ? end.code : null,
    error_message: end.status === 'failed' ? end.message : null,
    processing_time_seconds: Math.max(0, now - activityInfo().scheduledTimestampMs) / 1000,
    model: ref.model,
    seed: ref.seed,
    input_hash: ref.hash,
    calls: log.calls,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    images: usage.images,
    cost_usd: model === undefined ? 0 : Number(costUsd(model, usage).toFixed(6)),
    finished_at: new Date(now).toISOString(),
  };
}
