import { z } from 'zod';
import { resultRowSchema } from './result.ts';

/** What is read back of `metadata/<name>.json`, the record of how one file was made. */
const sidecarSchema = z.object({
  batch_id: z.string(),
  item_id: z.string(),
  hash: z.string(),
  /** Of files that a step with a record made: see there. */
  request_hash: z.string().optional(),
  /** Of files made again: how many before them people had rejected. */
  again: z.int().optional(),
  prompt: z.string().default(''),
  file: z.object({ path: z.string(), bytes: z.int(), sha256: z.string(), mime_type: z.string() }),
  result: resultRowSchema,
  /** Of pictures that ComfyUI servers made: which one it was of how many of a prompt, and where. */
  batch_size: z.int().min(1).optional(),
  batch_index: z.int().min(0).optional(),
  endpoint: z.string().optional(),
});
export type Sidecar = z.output<typeof sidecarSchema>;

export const sidecarPrefix = 'metadata/';

export function sidecarKey(name: string): string {
  return `${sidecarPrefix}${name}.json`;
}

/** Null for bytes that are no sidecar: such a file vouches for nothing. */
export function parseSidecar(text: string): Sidecar | null {
  try {
    return sidecarSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
