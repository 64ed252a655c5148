import { z } from 'zod';
import { comfyWorkSchema, pictureNames } from './comfy-work.ts';

export const aspectRatios = ['1:1', '16:9', '9:16', '4:3', '3:4'] as const;
export const qualities = ['draft', 'standard', 'high'] as const;

/** One item as it is staged in storage: a line of `input/part-NNNNN.jsonl`. */
export const stagedItemSchema = z.strictObject({
  /** Stable id, unique in the batch: from the row, or from its place. */
  id: z.string().min(1),
  /** Zero-based place among the valid rows. */
  index: z.int().min(0),
  /** One-based row of the source file (the header is row 1 of a CSV; line 1 is row 1 of a JSONL). */
  row: z.int().min(1),
  /** Name of the output without extension, safe as a file name, unique in the batch. */
  name: z.string().min(1),
  /** Empty only in flows whose own columns take its place. */
  prompt: z.string(),
  negativePrompt: z.string().optional(),
  /** 0 to 2^31-1; given by the row or derived from its id and prompt, so that a rerun repeats it. */
  seed: z.int().min(0).max(2_147_483_647),
  quality: z.enum(qualities),
  aspectRatio: z.enum(aspectRatios),
  /** Source image: an http(s) URL, or an absolute path. */
  fromImage: z.string().optional(),
  /** Its row came from somebody who may name files of this machine: the URL of its source image may lie in its network. */
  localSource: z.literal(true).optional(),
  /** Resolved model, a key of models.yaml; of several steps that of the first; empty where none calls a model. */
  model: z.string(),
  /** What the model makes, where the flow leaves it to the row; left out: an image. */
  media: z.enum(['video']).optional(),
  /** The model's provider in models.yaml. */
  provider: z.string(),
  /** First choice of model by id of step, of flows that choose for each step. */
  models: z.record(z.string(), z.string()).optional(),
  /** Provider of each model that a redrive chose for this item, by its key. */
  providers: z.record(z.string(), z.string()).optional(),
  /** Columns Sluice gives no meaning to, carried into the sidecar. */
  fields: z.record(z.string(), z.string()).optional(),
  /** The flow's own columns, by name, typed as the flow says: what templates see as `item.<name>`. */
  data: z.record(z.string(), z.json()).optional(),
  /** Parameters of the flow that a redrive changed for this item. */
  parameters: z.record(z.string(), z.json()).optional(),
  /** Steps that are done again unless the chosen model did them: what others made of it was found wanting. */
  anew: z.array(z.string()).optional(),
  /**
   * Set where people rejected what was made before: the step that makes the output is done with another seed, and
   * with the notes after its prompt.
   */
  again: z.strictObject({ times: z.int().min(1), notes: z.array(z.string()) }).optional(),
  /** Expected cost of all calls of the item, USD. */
  estimateUsd: z.number().min(0),
  /** Of items that ComfyUI servers make. */
  comfy: comfyWorkSchema.optional(),
  /** SHA-256 (hex) over what determines the output; guards against altered input and names a result. */
  hash: z.string().length(64),
});
export type StagedItem = z.output<typeof stagedItemSchema>;

/** The item of a staged line; null where the line is damaged. */
export function parseStagedItem(line: string): StagedItem | null {
  try {
    return stagedItemSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

/** Names of the files an item makes, without extension; each has a sidecar of that name. */
export function artifactNames({ name, comfy }: Pick<StagedItem, 'name' | 'comfy'>): string[] {
  return comfy === undefined ? [name] : pictureNames(comfy);
}

/** Where a staged item lies, and the little the parent needs to know of it. */
export interface ItemRef {
  /** Place among the batch's items; -1 when it is not known. */
  index: number;
  id: string;
  /** Key of the part in the store, relative to the batch. */
  part: string;
  /** Byte range of the line in the part. */
  offset: number;
  length: number;
  /** Vendor of the model; with it names the task queue of its calls. */
  provider: string;
  model: string;
  /** What the model makes, where the flow leaves it to the row; left out: an image. */
  media?: 'video';
  /** First choice of model by id of step, of flows that choose for each step. */
  models?: Record<string, string>;
  /** Provider of each model a redrive chose for this item. */
  providers?: Record<string, string>;
  /** Shown in the Web UI and in progress. */
  label: string;
  estimateUsd: number;
  seed: number;
  /** First 16 digits of the staged item's hash; empty when the line is damaged. */
  hash: string;
}
