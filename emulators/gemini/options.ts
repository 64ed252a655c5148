import { z } from 'zod';
import { faultsSchema } from './faults.ts';

export const optionsSchema = z.strictObject({
  /** 0: any free one. */
  port: z.int().min(0).max(65_535).default(0),
  /** From a call's arrival to its reply, milliseconds. */
  latencyMs: z.number().min(0).default(100),
  /** Share of `latencyMs` by which a call may take more or less, drawn from `seed`. */
  latencyJitter: z.number().min(0).max(1).default(0),
  /** Of faults and jitter. */
  seed: z.int().default(0),
  faults: faultsSchema.prefault({}),
  /** Requests of one model let through in any rolling minute; null: no limit. */
  rpm: z.int().min(1).nullable().default(null),
  /** Tokens of one model in any rolling minute, after which calls are refused; null: no limit. */
  tpm: z.int().min(1).nullable().default(null),
  /** JSON lines, appended: see CallLog. */
  callLog: z.string().min(1).optional(),
  /** The one key that is valid; omitted: keys are not looked at. */
  apiKey: z.string().min(1).optional(),
  /** Words of an answer that was not asked to have another length. */
  words: z.int().min(1).default(120),
  /** From the start of a video to its end, milliseconds. */
  videoMs: z.number().min(0).default(1_000),
  /** Language models; null: every model that is none of the others. */
  textModels: z
    .array(z.string().min(1))
    .nullable()
    .default(['gemini-2.5-flash-lite', 'gemini-2.5-flash', 'gemini-2.5-pro']),
  videoModels: z
    .array(z.string().min(1))
    .default(['veo-3.1-generate-preview', 'veo-3.1-fast-generate-preview', 'veo-3.1-lite-generate-preview']),
  /** Image models. */
  models: z
    .array(z.string().min(1))
    .default(['gemini-2.5-flash-image', 'gemini-3.1-flash-lite-image', 'gemini-3-pro-image']),
});
export type GeminiEmulatorOptions = z.input<typeof optionsSchema>;
export type EmulatorOptions = z.output<typeof optionsSchema>;
