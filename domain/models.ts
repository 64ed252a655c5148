import { z } from 'zod';
import { qualities } from './item.ts';
import type { Usage } from './result.ts';

/** USD. Cents are too coarse: a prompt costs millionths. */
const usd = z.number().min(0);
const limit = z.int().min(1).nullable().default(null);

/** One model of `models.yaml`. Snake case because it is a file format. */
const modelSchema = z.strictObject({
  provider: z.enum(['gemini']),
  kind: z.enum(['image']),
  price: z.strictObject({
    /** One image that came back, USD. */
    per_image: usd,
    /** A million tokens of the request, USD. */
    input_per_million: usd,
    /** A million tokens of text that came back (thoughts included), USD. */
    output_text_per_million: usd,
  }),
  /** Output tokens the provider counts for one image; they are paid by `per_image`, not as text. */
  image_tokens: z.int().min(0),
  /** Hold over all batches in any rolling 60 seconds; null: no limit of ours. */
  limits: z
    .strictObject({
      requests_per_minute: limit,
      tokens_per_minute: limit,
      images_per_minute: limit,
      concurrency: limit,
    })
    .prefault({}),
});

/** Model keys become task queue names and parts of provider URLs, hence the narrow alphabet. */
const modelKeySchema = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'must be letters, digits, ".", "_" and "-"' });

/** The whole of `models.yaml`: prices and limits per model, and the model each quality stands for. */
export const modelsFileSchema = z
  .strictObject({
    models: z.record(modelKeySchema, modelSchema),
    quality: z.strictObject({ draft: z.string(), standard: z.string(), high: z.string() }),
  })
  .superRefine((file, context) => {
    for (const quality of qualities) {
      if (!Object.hasOwn(file.models, file.quality[quality])) {
        context.addIssue({
          code: 'custom',
          path: ['quality', quality],
          message: `must be one of the models of this file (got "${file.quality[quality]}")`,
        });
      }
    }
  });

export type Model = z.output<typeof modelSchema>;
export type ModelsFile = z.output<typeof modelsFileSchema>;

/** Looks a model up by its key; safe for any string, also `constructor` and the like. */
export function findModel(file: ModelsFile, key: string): Model | undefined {
  return Object.hasOwn(file.models, key) ? file.models[key] : undefined;
}

/**
 * What one call that returns one image is expected to cost, USD. A token is taken as four characters
 * of the prompt: the image is by far the larger part.
 */
export function estimateImageUsd(model: Model, promptChars = 400): number {
  return model.price.per_image + (Math.ceil(promptChars / 4) * model.price.input_per_million) / 1_000_000;
}

/** What a call cost by the provider's own usage numbers, USD. Tokens that were images are not paid twice. */
export function costUsd(model: Model, usage: Usage): number {
  const textTokens = Math.max(0, usage.outputTokens - usage.images * model.image_tokens);
  return (
    usage.images * model.price.per_image +
    (usage.inputTokens * model.price.input_per_million + textTokens * model.price.output_text_per_million) / 1_000_000
  );
}
