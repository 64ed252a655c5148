import { z } from 'zod';
import { textFaultsSchema } from './faults.ts';

export const textOptionsSchema = z.strictObject({
  /** 0: any free one. */
  port: z.int().min(0).max(65_535).default(0),
  /** From a call's arrival to its reply, milliseconds. */
  latencyMs: z.number().min(0).default(100),
  /** Of faults. */
  seed: z.int().default(0),
  faults: textFaultsSchema.prefault({}),
  /** Requests of one model let through in any rolling minute; null: no limit. */
  rpm: z.int().min(1).nullable().default(null),
  /** Tokens of one model in any rolling minute, after which calls are refused; null: no limit. */
  tpm: z.int().min(1).nullable().default(null),
  /** Words of an answer that was not asked to have another length, unless its greatest length is less. */
  words: z.int().min(1).default(120),
  /** JSON lines, appended: see CallLog. */
  callLog: z.string().min(1).optional(),
  /** The one key that is valid; omitted: any is. */
  apiKey: z.string().min(1).optional(),
  /** Whether OpenAI's routes need no key, as a server of one's own. */
  keyless: z.boolean().default(false),
});
export type TextEmulatorOptions = z.input<typeof textOptionsSchema>;
export type TextSettings = z.output<typeof textOptionsSchema>;
