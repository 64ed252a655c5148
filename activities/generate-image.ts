import type { StepRecord } from '../domain/step-record.ts';
import { costUsd, expectedUsage } from '../domain/models.ts';
import type { ImageResult } from '../providers/image-provider.ts';
import { providerOf, type FindProviders } from '../providers/provider-set.ts';
import type { CacheHit } from '../storage/result-cache.ts';
import { findFinished, imageFile } from './artifact.ts';
import type { Attempt } from './attempt.ts';
import { callModel, modelOf, type CallModelDeps } from './call-model.ts';
import { readImageRequest, type ImageStepRequest } from './image-request.ts';
import { mediaItem } from './media-item.ts';
import { PaidResults } from './paid-results.ts';
import { comparable, findReusable, keepReusable } from './reuse.ts';
import { readSource, type SourceImageDeps } from './source-image.ts';
import { createStepActivity } from './step-activity.ts';
import { storeFile } from './store-file.ts';
import type { StepResult } from './step-work.ts';
import type { ModelActivities } from './types.ts';

export interface GenerateImageDeps extends CallModelDeps, SourceImageDeps {
  providers: FindProviders;
}

/**
 * Makes one image: finds what an earlier attempt finished, else waits for its turn, calls the provider once
 * and stores image and sidecar.
 */
export function createGenerateImage(deps: GenerateImageDeps): ModelActivities['generateImage'] {
  const paid = new PaidResults<ImageResult>();
  return createStepActivity(deps, {
    costUsd: (input) => {
      const model = modelOf(deps, input, 'image');
      return (usage) => costUsd(model, usage);
    },
    request: readImageRequest,
    async run(step, request) {
      const attempt = step.as(mediaItem(step, request));
      const { input, item, store, log } = attempt;
      const done = await findFinished(store, input.batchId, item);
      if (done !== null) return { row: done, path: done.output_path };
      const key = `${input.storeUri} ${input.batchId} ${item.name} ${item.requestHash ?? item.hash}`;
      const kept = paid.take(key);
      if (kept !== undefined) log.addSpent(kept.spent);
      const place = { attempt, request: comparable(request) };
      const hit = kept === undefined ? await findReusable(deps, place) : null;
      if (hit !== null && hit.file !== null) return reuseImage(deps, attempt, { ...hit, file: hit.file });
      const image = kept?.result ?? (await call(deps, attempt, request));
      try {
        const { mimeType, data } = image;
        const facts = factsOf(image);
        const row = await storeFile(deps, attempt, imageFile(item.name, image), { facts });
        await keepReusable(deps, place, { facts: { facts }, file: { mimeType, data }, costUsd: row.cost_usd });
        return { row, path: row.output_path };
      } catch (error) {
        paid.keep(key, { result: image, spent: log.takeSpent() });
        throw error;
      }
    },
  });
}

async function call(deps: GenerateImageDeps, attempt: Attempt, request: ImageStepRequest): Promise<ImageResult> {
  const { input, item, log } = attempt;
  const { fromImage } = request;
  const model = modelOf(deps, input, 'image');
  const source = fromImage === undefined ? undefined : await readSource(deps, attempt, fromImage);
  return callModel(deps, attempt, {
    model,
    expected: expectedUsage(model, { promptChars: item.prompt.length }),
    call: (options) =>
      providerOf(deps.providers, 'image', item.provider, input.mode).generateImage(
        {
          model: model.name ?? item.model,
          prompt: item.prompt,
          ...(item.negativePrompt === undefined ? {} : { negativePrompt: item.negativePrompt }),
          seed: item.seed,
          aspectRatio: item.aspectRatio,
          ...(source === undefined ? {} : { source }),
          emptyReplies: log.emptyReplies,
        },
        options,
      ),
  });
}

/** What else is needed to make an image again. */
function factsOf(image: ImageResult): NonNullable<StepRecord['facts']> {
  return {
    model_version: image.modelVersion ?? null,
    response_id: image.responseId ?? null,
    request: image.sent as NonNullable<StepRecord['facts']>['request'] & {},
  };
}

/** Puts another batch's image in the place of this item's; it costs nothing. */
async function reuseImage(
  deps: GenerateImageDeps,
  attempt: Attempt,
  { file, made: { facts }, source }: CacheHit & { file: NonNullable<CacheHit['file']> },
): Promise<StepResult> {
  const made = imageFile(attempt.item.name, file);
  const row = await storeFile(deps, attempt, made, { facts: facts ?? {}, cachedFrom: source });
  return { row, path: row.output_path, cached_from: source };
}
