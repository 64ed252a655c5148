import { z } from 'zod';
import { comfyValuesSchema, gpuClassSchema, mostPictures } from './comfy-work.ts';
import type { StepKind } from './flow.ts';
import { aspectRatios } from './item.ts';

/** Conditions and templates are checked with the flow they stand in; see `flow-check.ts`. */
const text = z.string().min(1);

/** Asks a language model. Its answer is `steps.<id>.text`, and `.json` where a schema was given. */
const textOptions = z.strictObject({
  prompt: text,
  /** Standing instructions. */
  system: text.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  /** Longest answer, tokens, thoughts included. */
  max_output_tokens: z.int().min(1).max(1_000_000).nullish(),
  /** Usual length of the answer, tokens: what is reserved of limits and budgets before the call. */
  expected_tokens: z.number().min(1).nullish(),
  /** JSON Schema of the answer, an object; the answer is checked against it. */
  schema: z.record(z.string(), z.json()).nullish(),
});

/** Makes an image. What is left out is the row's. */
const imageOptions = z.strictObject({
  prompt: text.nullish(),
  negative_prompt: z.string().nullish(),
  aspect_ratio: z.enum(aspectRatios).nullish(),
  /** http(s) address, or the path of an image that an earlier step made. */
  from_image: text.nullish(),
});

/** Makes a video. What is left out is the row's, or the model's own. */
const videoOptions = z.strictObject({
  prompt: text.nullish(),
  negative_prompt: z.string().nullish(),
  aspect_ratio: z.enum(['16:9', '9:16']).nullish(),
  /** Length, one of those the model makes. */
  seconds: z.int().min(1).max(600).nullish(),
  resolution: z.enum(['720p', '1080p', '4k']).nullish(),
  /** The image it begins with: http(s) address, or the path of an image that an earlier step made. */
  from_image: text.nullish(),
});

const values = comfyValuesSchema.shape;

/** Makes pictures on ComfyUI servers. What is left out is the row's, or stays as the graph has it. */
const comfyOptions = z.strictObject({
  /** Graph in API format: a path, taken from the flow's file, or the name of one that comes with Sluice; no template. */
  graph: text.nullish(),
  /** GPUs that may do it: `any`, or a class of the configuration's `gpus`; no template. @default any */
  gpu_class: gpuClassSchema.nullish(),
  prompt: text.nullish(),
  negative_prompt: z.string().nullish(),
  /** http(s) address, or the path of an image that an earlier step made. */
  from_image: text.nullish(),
  /** Pictures of each item. @default 1, or as the row says */
  count: z.int().min(1).max(mostPictures).nullish(),
  steps: values.steps.nullable(),
  cfg: values.cfg.nullable(),
  sampler: values.sampler.nullable(),
  scheduler: values.scheduler.nullable(),
  width: values.width.nullable(),
  height: values.height.nullable(),
  checkpoint: values.checkpoint.nullable(),
  loras: values.loras.nullable(),
});

/** Looks whether rules hold: `steps.<id>.passed`, and `.failures`, the messages of those that do not. */
const checkOptions = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        /** Liquid condition, e.g. `(steps.draft.text | number_of_words) >= 500`. */
        that: text,
        /** What is wrong where it does not hold; reaches a rewrite as `steps.<id>.failures`. */
        message: text,
      }),
    )
    .min(1)
    .max(100),
  /** What becomes of an item that does not pass: it goes on, or it has failed. @default 'continue' */
  on_failure: z.enum(['continue', 'fail']).nullish(),
});

/** Asks a person: `steps.<id>.approved`, `.answer.note`, and `.text`, edited or as it was shown. */
const approveOptions = z.strictObject({
  question: text,
  /** What the person is to look at, and may edit. */
  text: z.string().nullish(),
  /** The same for a picture: the path an earlier step made. */
  image: text.nullish(),
  /** How long the item waits. @default as long as it takes */
  time_limit_hours: z.number().gt(0).max(8_760).nullish(),
  /** The answer that stands when nobody has given one in time. @default 'fail' */
  default: z.enum(['approve', 'reject', 'fail']).nullish(),
  /** The answer in batches that are not interactive. @default 'approve' */
  not_interactive: z.enum(['approve', 'reject', 'fail']).nullish(),
  /** What becomes of an item that is rejected: it goes on, or it has failed. @default 'continue' in a loop, else 'fail' */
  on_reject: z.enum(['continue', 'fail']).nullish(),
});

/** Writes a document of one text, or a book of several. */
const exportOptions = z.strictObject({
  format: z.enum(['markdown', 'epub', 'text', 'json']),
  /** File name without extension. @default the item's; one that another item has is refused */
  name: text.nullish(),
  /** @default the item's name */
  title: text.nullish(),
  author: text.nullish(),
  /** BCP 47, e.g. `en`. @default 'en' */
  language: text.nullish(),
  /** What an EPUB says of when it was last changed: fixed, so that the same book is the same file. @default '2000-01-01' */
  date: z.iso.date().nullish(),
  /** The text, Markdown; of `json` any value. */
  text: z.json().optional(),
  /**
   * Several texts in order, each Markdown with a title of its own; or the path of a batch's directory, of a directory of
   * Markdown files, or a glob; relative ones from the batch's own directory.
   */
  chapters: z.union([z.array(z.strictObject({ title: text, text: z.string() })), text]).nullish(),
  /** Of a batch that has items without a text: leave them out instead of refusing. */
  partial: z.boolean().nullish(),
  /** Directory of a batch whose texts are the chapters, in the order of its items. */
  from_batch: text.nullish(),
  /** Path of an image an earlier step made. */
  cover: text.nullish(),
});

/** Sends a request: `steps.<id>.answer` is `{ status, body }`. */
const httpOptions = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).nullish(),
  url: text,
  headers: z.record(z.string(), z.string()).nullish(),
  /** Sent as JSON, a text as it is. */
  body: z.json().nullish(),
});

/**
 * `with` of a step by its kind, as it is once its templates are rendered. A flow file may write a template in
 * place of any value. Null is as good as left out, so that a template may leave something open.
 */
export const stepOptions = {
  text: textOptions,
  image: imageOptions,
  video: videoOptions,
  comfy: comfyOptions,
  check: checkOptions,
  approve: approveOptions,
  export: exportOptions,
  http: httpOptions,
} as const satisfies Record<StepKind, z.ZodObject>;
