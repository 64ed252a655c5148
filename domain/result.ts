import { z } from 'zod';
import { errorCatalog, type ErrorCode } from './errors.ts';

export const itemStatuses = ['succeeded', 'failed', 'cancelled'] as const;
export type ItemStatus = (typeof itemStatuses)[number];

/** What the provider says it used, summed over all calls of an item. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  images: number;
  /** Of video models; left out: none. */
  videoSeconds?: number;
}

/** What one step of an item did with one model, over all rounds of its loop. Snake case because it is a file format. */
const stepUsageSchema = z.object({
  id: z.string(),
  /** Empty where none was called. */
  model: z.string(),
  /** How often it was run; more than once in loops. */
  runs: z.int(),
  /** Of these, found finished by an earlier run of the item, whose row has what they cost. */
  reused: z.int().optional(),
  calls: z.int(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  images: z.number(),
  video_seconds: z.number().optional(),
  cost_usd: z.number(),
  /** Taken from this step of another batch (`<batch>/<item>/<step>`) instead of calling a model. */
  cached_from: z.string().optional(),
});
export type StepUsage = z.output<typeof stepUsageSchema>;

/** One row of `results.jsonl`: what became of one item. Snake case because it is a file format. */
export const resultRowSchema = z.object({
  request_id: z.string(),
  /** Zero-based place among the batch's items; -1 when it is not known. */
  index: z.int(),
  status: z.enum(itemStatuses),
  /** Relative to the batch directory; null unless succeeded. */
  output_path: z.string().nullable(),
  error_code: z.enum(Object.keys(errorCatalog) as [ErrorCode, ...ErrorCode[]]).nullable(),
  error_message: z.string().nullable(),
  /** From the item's first turn at the provider's limits to its end, waits between its calls included. */
  processing_time_seconds: z.number(),
  model: z.string(),
  seed: z.number(),
  /** First 16 digits of the staged item's hash: tells a later run whether its input is still the same. */
  input_hash: z.string(),
  /** Calls made to the provider, also those that failed. */
  calls: z.int(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  images: z.number(),
  /** Of videos, summed; left out where there was none. */
  video_seconds: z.number().optional(),
  cost_usd: z.number(),
  /** The output was taken from this step of another batch (`<batch>/<item>/<step>`). */
  cached_from: z.string().optional(),
  /** Of flows of several steps: what each did; the fields above are their sums. */
  steps: z.array(stepUsageSchema).optional(),
  /** ISO 8601, UTC. */
  finished_at: z.string(),
});
export type ResultRow = z.output<typeof resultRowSchema>;

/**
 * How an item's workflow ended: with its result, or `requeued`: it gave up its place before it was done,
 * because the batch takes no more calls for now. What it spent until then is spent.
 */
export const itemOutcomeSchema = z.discriminatedUnion('status', [
  resultRowSchema,
  resultRowSchema.extend({ status: z.literal('requeued') }),
]);
export type ItemOutcome = z.output<typeof itemOutcomeSchema>;
