import { SluiceError } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import { costUsd, expectedUsage, findModel, type Model, type ModelsFile } from '../domain/models.ts';
import type { ItemOutcome, ResultRow } from '../domain/result.ts';
import { surroundingsOf } from '../domain/surroundings.ts';
import type { ImageProvider, ImageResult } from '../providers/image-provider.ts';
import type { Limiter, Permit } from '../providers/limiter/limiter.ts';
import { ProviderError } from '../providers/provider-error.ts';
import { findFinished, imageFile, writeArtifact } from './artifact.ts';
import { createItemActivity, type Attempt, type AttemptDeps } from './attempt.ts';
import type { AttemptLog } from './attempt-log.ts';
import { batchLimiterKey } from './batch-limiter-key.ts';
import { PaidResults } from './paid-results.ts';
import { readItem } from './read-page.ts';
import { shutdownSignal } from './shutdown-signal.ts';
import { readSourceImage } from './source-image.ts';
import { requireRoom, storePaid } from './store-paid.ts';
import type { ItemInput } from './types.ts';

export interface GenerateImageDeps extends AttemptDeps {
  models: ModelsFile;
  limiter: Limiter;
  provider: (name: string, mode: ProviderMode) => ImageProvider;
  /** How long an attempt tries to store a result that is paid for, milliseconds. @default 5000 */
  storagePatienceMs?: number;
}

/**
 * Makes one item's image: finds what an earlier attempt finished, else waits for its turn, calls the
 * provider once and stores image and sidecar.
 *
 * A call that is under way when the item is cancelled is heard out, because it is paid for. Only a
 * worker that shuts down gives it up.
 */
export function createGenerateImage(deps: GenerateImageDeps): (input: ItemInput) => Promise<ItemOutcome> {
  const paid = new PaidResults();
  const modelOf = ({ ref }: ItemInput): Model => {
    const model = findModel(deps.models, ref.model);
    if (model?.kind === 'image') return model;
    throw new SluiceError('UNKNOWN_MODEL', `Image model ${ref.model} is not in this worker's models.yaml.`);
  };
  return createItemActivity(
    deps,
    (input) => {
      const model = modelOf(input);
      return (usage) => costUsd(model, usage);
    },
    async (attempt) => {
      const { input, item, store, log } = attempt;
      const done = await findFinished(store, input.batchId, item);
      if (done !== null) return done;
      const key = `${input.storeUri} ${input.batchId} ${item.id} ${item.hash}`;
      const kept = paid.take(key);
      if (kept !== undefined) log.addSpent(kept.spent);
      const image = kept?.image ?? (await call(deps, attempt, modelOf(input)));
      try {
        return await storeImage(deps, attempt, image);
      } catch (error) {
        paid.keep(key, { image, spent: log.takeSpent() });
        throw error;
      }
    },
  );
}

async function call(deps: GenerateImageDeps, attempt: Attempt, model: Model): Promise<ImageResult> {
  const { input, item, log, signal } = attempt;
  const source = item.fromImage === undefined ? undefined : await readSourceImage(item.fromImage, signal);
  const modelKey = limiterKey(input);
  const expected = expectedUsage(model, { promptChars: item.prompt.length });
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
        concurrency: input.concurrency,
        revision: input.limitsRevision,
      },
    ],
    { tokens: expected.inputTokens + expected.outputTokens, images: expected.images },
    signal,
  );
  try {
    // Looked at when the turn has come, however long that took: what could not be stored is not paid for.
    await readItem(attempt.store, input.ref);
    await requireRoom(attempt.store);
    log.called();
    const image = await deps.provider(item.provider, input.mode).generateImage(
      {
        model: model.name ?? item.model,
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
    if (error instanceof ProviderError && surroundingsOf(error.code) !== null) {
      // The batch will pause for it; those that wait need not find out for themselves.
      deps.limiter.refuse(batchLimiterKey(input.batchId), input.limitsRevision);
    }
    throw error;
  } finally {
    permit.release();
  }
}

async function storeImage(deps: GenerateImageDeps, attempt: Attempt, image: ImageResult): Promise<ResultRow> {
  const { input, item, store } = attempt;
  const file = imageFile(item.name, image);
  const row = attempt.succeeded(file.path);
  await storePaid(deps.storagePatienceMs ?? 5_000, async () => {
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

/** The model's limits are shared by all batches; an emulated model is another one than the live one. */
function limiterKey(input: ItemInput): string {
  return `model:${input.mode}:${input.ref.provider}/${input.ref.model}`;
}

function settle(permit: Permit, log: AttemptLog, usage: ImageResult['usage'] | undefined): void {
  permit.settle({ tokens: (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0), images: usage?.images ?? 0 });
  log.charged(usage);
}
