import { z } from 'zod';

/** Most pictures one item asks for; more are more items. */
export const mostPictures = 64;

const text = z.string().min(1);

/** What is written into the graph of every item, besides prompt, seed and batch size. */
export const comfyValuesSchema = z.strictObject({
  steps: z.int().min(1).max(10_000).optional(),
  cfg: z.number().min(0).max(100).optional(),
  sampler: text.optional(),
  scheduler: text.optional(),
  width: z.int().min(16).max(16_384).optional(),
  height: z.int().min(16).max(16_384).optional(),
  checkpoint: text.optional(),
  loras: z.array(z.strictObject({ name: text, strength: z.number().optional() })).optional(),
});

/** Pictures a prompt; `auto`: as many as the GPU's memory holds. */
const batchSizeSchema = z.union([z.literal('auto'), z.int().min(1).max(mostPictures)]);

/** GPUs that may do it: `any`, or a class of the configuration's `gpus`. */
export const gpuClassSchema = z
  .string()
  .max(50)
  .regex(/^[a-z0-9][a-z0-9.-]*$/, { error: 'must be "any" or a class such as "24gb": a-z, 0-9, "." and "-"' });

/** How the items of a batch are made on ComfyUI servers. */
export const comfySpecSchema = z.strictObject({
  /** Key of the graph (API format) in the batch's store. */
  graph: text,
  /** GPUs that may do it: `any`, or a class of the configuration's `gpus`. */
  gpuClass: text.default('any'),
  batchSize: batchSizeSchema.default('auto'),
  /** GPUs with less memory are passed over, gigabytes. */
  minVramGb: z.number().min(0).optional(),
  /** Names of pictures: `<prefix>_0001_<seed>.png`. */
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/)
    .max(50)
    .default('sprite'),
  /** For items that give none. */
  negativePrompt: z.string().optional(),
  values: comfyValuesSchema.prefault({}),
});
export type ComfySpec = z.output<typeof comfySpecSchema>;

/** What a staged item asks of a ComfyUI server. */
export const comfyWorkSchema = comfySpecSchema.omit({ gpuClass: true, negativePrompt: true }).extend({
  /** Safe as a file name. */
  prefix: text,
  /** One-based number of its first picture among those of the batch. */
  first: z.int().min(1),
  /** Pictures it makes. Picture n of it has the item's seed and, if a prompt begins with it, seed + n. */
  count: z.int().min(1).max(mostPictures),
});
export type ComfyWork = z.output<typeof comfyWorkSchema>;

/** Names of an item's pictures without seed and extension, which are also those of their sidecars. */
export function pictureNames({ prefix, first, count }: ComfyWork): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}_${String(first + n).padStart(4, '0')}`);
}
