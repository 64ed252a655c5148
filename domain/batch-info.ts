import { z } from 'zod';
import { batchSpecSchema } from './batch-spec.ts';

/**
 * `batch_info.json`: what a batch directory says of itself. Written when the batch is submitted, and
 * again with `summary` when it closes. Read leniently: a newer version may have added fields.
 */
export const batchInfoSchema = z.object({
  version: z.literal(1),
  batch_id: z.string(),
  flow: z.string(),
  project: z.string(),
  mode: z.enum(['live', 'emulated']),
  /** ISO 8601, UTC. */
  created_at: z.string(),
  /** Where the batch was last submitted: another engine must not run it as well. */
  engine: z.object({ host: z.string(), home: z.string() }).nullable().default(null),
  input: z.object({
    name: z.string(),
    /** SHA-256 (hex) over all staged items: the same input gives the same digest. */
    digest: z.string(),
    total: z.int(),
    rejected: z.int(),
    rows_per_part: z.int(),
  }),
  spec: batchSpecSchema,
  summary: z
    .object({
      status: z.enum(['running', 'waiting', 'paused', 'succeeded', 'failed', 'cancelled', 'terminated']),
      total: z.int(),
      succeeded: z.int(),
      failed: z.int(),
      skipped: z.int(),
      rejected: z.int(),
      cancelled: z.int(),
      /** Pictures made in its runs, those made again included. */
      images: z.number().optional(),
      cost_usd: z.number(),
      duration_seconds: z.number(),
      started_at: z.string(),
      finished_at: z.string(),
    })
    .nullable()
    .default(null),
});
export type BatchInfo = z.output<typeof batchInfoSchema>;

export const batchInfoKey = 'batch_info.json';
