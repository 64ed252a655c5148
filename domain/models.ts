import { z } from 'zod';
import { qualities } from './item.ts';
import type { Usage } from './result.ts';

/** USD. Cents are too coarse: a prompt costs millionths. */
const usd = z.number().min(0);
const limit = z.int().min(1).nullable().default(null);

const common = {
  /** The vendor's own name of the model; left out: the key it has in the file. */
  name: z.string().min(1).max(200).optional(),
  /** What a call usually takes, for estimates of time; left out: by kind, see docs/costs.md. */
  usual_seconds: z.number().gt(0).max(86_400).optional(),
  /** Hold over all batches in any rolling 60 seconds; null: no limit of ours. */
  limits: z
    .strictObject({
      requests_per_minute: limit,
      tokens_per_minute: limit,
      images_per_minute: limit,
      concurrency: limit,
    })
    .prefault({}),
};

const imageModelSchema = z.strictObject({
  ...common,
  provider: z.enum(['gemini']),
  kind: z.literal('image'),
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
});

const textModelSchema = z.strictObject({
  ...common,
  provider: z.enum(['gemini', 'openai', 'anthropic']),
  kind: z.literal('text'),
  price: z.strictObject({
    /** A million tokens of the request, USD. */
    input_per_million: usd,
    /** A million tokens that came back (thoughts included), USD. */
    output_per_million: usd,
  }),
  /** Longest answer the model gives, tokens, thoughts included. */
  max_output_tokens: z.int().min(1),
});

const videoModelSchema = z.strictObject({
  ...common,
  provider: z.enum(['gemini']),
  kind: z.literal('video'),
  /** One second of video that came back, USD. */
  price: z.strictObject({ per_second: usd }),
  /** Lengths it makes, seconds. */
  seconds: z.array(z.int().min(1)).min(1),
  /** Length of a video that names none, seconds. */
  default_seconds: z.int().min(1),
});

/** One model of `models.yaml`. Snake case because it is a file format. */
const modelSchema = z.discriminatedUnion('kind', [imageModelSchema, textModelSchema, videoModelSchema]);

/** Model keys become task queue names and parts of provider URLs, hence the narrow alphabet. */
const modelKeySchema = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'must be letters, digits, ".", "_" and "-"' });

const qualitySchema = z.strictObject({ draft: z.string(), standard: z.string(), high: z.string() });

/** The whole of `models.yaml`: prices and limits per model, and the models that other names stand for. */
export const modelsFileSchema = z
  .strictObject({
    models: z.record(modelKeySchema, modelSchema),
    /** Short names and the models they stand for now; a model of the same name goes before. */
    aliases: z.record(modelKeySchema, z.string()).default({}),
    /** The image model of a row that names none, by its quality. */
    quality: qualitySchema,
    /** The video model of a row that names none, by its quality. */
    video_quality: qualitySchema.optional(),
  })
  .superRefine((file, context) => {
    const refuse = (path: string[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    for (const quality of qualities) {
      const key = file.quality[quality];
      if (findModel(file, key)?.kind !== 'image') {
        refuse(['quality', quality], `must be one of the image models of this file (got "${key}")`);
      }
      const video = file.video_quality?.[quality];
      if (video !== undefined && findModel(file, video)?.kind !== 'video') {
        refuse(['video_quality', quality], `must be one of the video models of this file (got "${video}")`);
      }
    }
    for (const [alias, key] of Object.entries(file.aliases)) {
      if (findModel(file, key) === undefined) {
        refuse(['aliases', alias], `must be one of the models of this file (got "${key}")`);
      }
    }
    for (const [key, model] of Object.entries(file.models)) {
      if (model.kind === 'video' && !model.seconds.includes(model.default_seconds)) {
        refuse(['models', key, 'default_seconds'], `must be one of its seconds (got ${String(model.default_seconds)})`);
      }
    }
  });

export type Model = z.output<typeof modelSchema>;
type ModelKind = Model['kind'];
export type ModelsFile = z.output<typeof modelsFileSchema>;

/** Looks a model up by its key; safe for any string, also `constructor` and the like. */
export function findModel(file: Pick<ModelsFile, 'models'>, key: string): Model | undefined {
  return Object.hasOwn(file.models, key) ? file.models[key] : undefined;
}

/** The model that a key or an alias stands for; undefined: none. */
export function resolveModel(file: ModelsFile, nameOrAlias: string): { key: string; model: Model } | undefined {
  const alias = Object.hasOwn(file.aliases, nameOrAlias) ? file.aliases[nameOrAlias] : undefined;
  const key = Object.hasOwn(file.models, nameOrAlias) ? nameOrAlias : (alias ?? nameOrAlias);
  const model = findModel(file, key);
  return model === undefined ? undefined : { key, model };
}

/** Keys of the models of a kind, for messages that name what there is. */
export function modelKeys(file: Pick<ModelsFile, 'models'>, kind?: ModelKind): string[] {
  return Object.keys(file.models).filter((key) => kind === undefined || file.models[key]?.kind === kind);
}

/** What a call is expected to be like, before it is made. */
export interface CallSize {
  /** Characters of all that is said to the model. @default 400 */
  promptChars?: number;
  /** Of language models: tokens of the answer. @default 1000, or the model's greatest length if that is less */
  outputTokens?: number;
  /** Of video models: length of the video. @default the model's own */
  seconds?: number;
}

/** English has about four to a token with every vendor. */
const charsPerToken = 4;
export const usualAnswerTokens = 1_000;
/** Where models.yaml says nothing of a model: an image; a video, from the order to the file; a text, by its length. */
const usualSeconds = { image: 8, video: 60, textBegins: 1, textTokensPerSecond: 100 };

/** What one call is expected to use: what is reserved of limits and budgets before it is made. */
export function expectedUsage(model: Model, { promptChars = 400, outputTokens, seconds }: CallSize = {}): Usage {
  const inputTokens = Math.ceil(promptChars / charsPerToken);
  switch (model.kind) {
    case 'image':
      return { inputTokens, outputTokens: model.image_tokens, images: 1 };
    case 'text':
      return {
        inputTokens,
        outputTokens: Math.min(outputTokens ?? usualAnswerTokens, model.max_output_tokens),
        images: 0,
      };
    case 'video':
      return { inputTokens, outputTokens: 0, images: 0, videoSeconds: seconds ?? model.default_seconds };
  }
}

/** How long a call that uses so much is expected to take, seconds. */
export function expectedSeconds({ kind, usual_seconds: own }: Model, { outputTokens }: Usage): number {
  if (own !== undefined) return own;
  const { image, video, textBegins, textTokensPerSecond } = usualSeconds;
  return { image, video, text: textBegins + outputTokens / textTokensPerSecond }[kind];
}

/** What one call is expected to cost, USD. */
export function estimateUsd(model: Model, size: CallSize = {}): number {
  return costUsd(model, expectedUsage(model, size));
}

/** What a call cost by the provider's own usage numbers, USD. */
export function costUsd(model: Model, usage: Usage): number {
  switch (model.kind) {
    case 'image': {
      // Tokens that were images are not paid twice.
      const textTokens = Math.max(0, usage.outputTokens - usage.images * model.image_tokens);
      const { per_image: perImage, input_per_million: input, output_text_per_million: output } = model.price;
      return usage.images * perImage + (usage.inputTokens * input + textTokens * output) / 1_000_000;
    }
    case 'text': {
      const { input_per_million: input, output_per_million: output } = model.price;
      return (usage.inputTokens * input + usage.outputTokens * output) / 1_000_000;
    }
    case 'video':
      return (usage.videoSeconds ?? 0) * model.price.per_second;
  }
}
