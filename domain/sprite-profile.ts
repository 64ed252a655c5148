import { z } from 'zod';
import { failurePolicySchema, retrySpecSchema, type BatchSpecInput } from './batch-spec.ts';
import type { ComfyParameterValues } from './comfy-inject.ts';
import { gpuClassSchema } from './comfy-work.ts';
import { priorities } from './priority.ts';

/** Used where no profile is named. */
export const defaultProfileName = 'balanced';

const text = z.string().min(1, { error: 'must not be empty' });

/** Pixels a side; latents are an eighth of them. */
const side = z.int().min(16).max(16_384).multipleOf(8);

const policyDefaults = failurePolicySchema.parse({});

/**
 * What goes into the graph. A key that is left out leaves the graph as it is; the ranges are those of
 * ComfyUI's own nodes.
 *
 * @see https://github.com/comfyanonymous/ComfyUI/blob/master/nodes.py
 */
const modelSchema = z
  .strictObject({
    /** Name of a graph that comes with Sluice, or the path of one in API format, which ends in `.json`. */
    graph: text,
    checkpoint: text.exactOptional(),
    lora: text.exactOptional(),
    lora_strength: z.number().min(-100).max(100).exactOptional(),
    steps: z.int().min(1).max(10_000).exactOptional(),
    cfg_scale: z.number().min(0).max(100).exactOptional(),
    sampler: text.exactOptional(),
    scheduler: text.exactOptional(),
    width: side.exactOptional(),
    height: side.exactOptional(),
    /** May be empty: then nothing is ruled out. */
    negative_prompt: z.string().exactOptional(),
  })
  .refine((model) => model.lora_strength === undefined || model.lora !== undefined, {
    path: ['lora_strength'],
    error: 'needs lora beside it',
  });

const hardwareSchema = z.strictObject({
  /** GPUs it runs on: `any`, or the class of those behind the task queue `gpu.<class>`. */
  gpu_class: gpuClassSchema.default('any'),
  /** Pictures a prompt; `auto`: as many as the GPU's free memory holds. */
  batch_size: z
    .union([z.literal(1), z.literal(4), z.literal(8), z.literal('auto')], { error: 'must be 1, 4, 8 or auto' })
    .default(1),
  /** GPUs with less memory are passed over, gigabytes. */
  min_vram_gb: z.number().min(0).max(1_024).exactOptional(),
});

const queueSchema = z.strictObject({
  priority: z.enum(priorities).default('normal'),
  max_attempts: retrySpecSchema.shape.maxAttempts.unwrap().exactOptional(),
  /** Of one prompt, waiting for the GPU not counted. */
  timeout_seconds: z.number().min(0.1).max(3_600).exactOptional(),
});

const outputSchema = z.strictObject({
  /** Names of files start with it: `<name>_0001_<seed>.png`. */
  name: z
    .string()
    .max(50)
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$/, {
      error: 'must be letters, digits, "_" and "-", and start and end with a letter or digit',
    })
    .default('sprite'),
  /** Batches get a directory of their own in it. */
  directory: text.exactOptional(),
});

const monitoringSchema = z
  .strictObject({
    /** Share (0–1) of the last items failed above which the batch pauses. */
    pause_above: failurePolicySchema.shape.pauseAbove.unwrap().exactOptional(),
    /** Share (0–1) above which a notice is given once. */
    notice_above: failurePolicySchema.shape.noticeAbove.unwrap().exactOptional(),
  })
  .superRefine(({ pause_above, notice_above }, context) => {
    const pause = pause_above ?? policyDefaults.pauseAbove;
    if ((notice_above ?? policyDefaults.noticeAbove) <= pause) return;
    context.addIssue({
      code: 'custom',
      path: [notice_above === undefined ? 'pause_above' : 'notice_above'],
      message:
        notice_above === undefined
          ? `must be at least notice_above (${policyDefaults.noticeAbove} where it is left out)`
          : `must be at most pause_above (${pause}): the batch would pause before the notice`,
    });
  });

/** One entry of `profiles.yaml`: how a kind of sprites is made. Snake case because it is a file format. */
const spriteProfileSchema = z.strictObject({
  model: modelSchema,
  hardware: hardwareSchema.prefault({}),
  queue: queueSchema.prefault({}),
  output: outputSchema.prefault({}),
  monitoring: monitoringSchema.prefault({}),
});
export type SpriteProfile = z.output<typeof spriteProfileSchema>;

const profileNameSchema = z
  .string()
  .max(50, { error: 'is longer than 50 characters' })
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'must be letters, digits, ".", "_" and "-"' });

/** The whole of a `profiles.yaml`. */
export const profilesFileSchema = z.strictObject({
  profiles: z.record(profileNameSchema, spriteProfileSchema).default({}),
});

/** What a profile writes into its graph. A `batch_size` of `auto` is for whoever knows the GPU. */
export function profileValues({ model, hardware }: SpriteProfile): ComfyParameterValues {
  const { graph: _graph, cfg_scale: cfg, lora: name, lora_strength: strength, ...same } = model;
  const { batch_size } = hardware;
  return {
    ...same,
    ...(cfg === undefined ? {} : { cfg }),
    ...(name === undefined ? {} : { loras: [{ name, ...(strength === undefined ? {} : { strength }) }] }),
    ...(batch_size === 'auto' ? {} : { batch_size }),
  };
}

/** The options of a batch that a profile sets; what it leaves out keeps the batch's own default. */
export function profileSpec({ queue, monitoring }: SpriteProfile): BatchSpecInput {
  const { max_attempts: maxAttempts, timeout_seconds: seconds } = queue;
  const { pause_above: pauseAbove, notice_above: noticeAbove } = monitoring;
  return {
    ...(maxAttempts === undefined ? {} : { retry: { maxAttempts } }),
    ...(seconds === undefined ? {} : { timeoutMs: Math.round(seconds * 1_000) }),
    failurePolicy: {
      ...(pauseAbove === undefined ? {} : { pauseAbove }),
      ...(noticeAbove === undefined ? {} : { noticeAbove }),
    },
  };
}
