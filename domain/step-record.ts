import { z } from 'zod';

/**
 * What one step of an item made: `steps/<item>/<step>.json`. It is what later steps see as `steps.<id>`, and
 * what keeps a finished step from being paid again by a retry, a redrive or a resumed batch.
 */
export const stepRecordSchema = z.object({
  /** A batch that takes a directory over uses nothing of the one before. */
  batch_id: z.string(),
  step: z.string(),
  /** From 1 in a loop; 0 outside of one. */
  round: z.int().min(0),
  /** SHA-256 (hex) over everything the step asked for but the model: another request is another result. */
  request_hash: z.string(),
  /** Key of models.yaml, or a checkpoint; null where no model was called. */
  model: z.string().nullable(),
  /** Answer of a language model. */
  text: z.string().optional(),
  /** The same as an object, where the step asked for one. */
  json: z.json().optional(),
  /** File it made, relative to the batch directory. */
  path: z.string().nullable().default(null),
  /** What a person or another service said. */
  answer: z.json().optional(),
  /** Of approvals: the answer was to approve, or an edit. */
  approved: z.boolean().optional(),
  /** Of checks and approvals. */
  passed: z.boolean().optional(),
  /** Messages of the rules that did not hold. */
  failures: z.array(z.string()).optional(),
  /** What else is needed to make it again, for its sidecar. */
  facts: z.record(z.string(), z.json()).optional(),
  /** Calls made, also those that failed, and what they used. */
  calls: z.int().min(0),
  usage: z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    images: z.number(),
    videoSeconds: z.number().optional(),
  }),
  cost_usd: z.number(),
  seconds: z.number(),
  /** The batch and step this was taken from instead of calling a model. */
  cached_from: z.string().optional(),
  /** Run of the item's workflow that made it: what it cost is in that run's row. */
  run_id: z.string(),
  /** ISO 8601, UTC. */
  finished_at: z.string(),
});
export type StepRecord = z.output<typeof stepRecordSchema>;

export const stepRecordPrefix = 'steps/';

export function stepRecordKey(itemName: string, stepId: string, round: number): string {
  return `${stepRecordPrefix}${itemName}/${stepId}${round === 0 ? '' : `-${String(round)}`}.json`;
}

/** Null for bytes that are no record: such a file vouches for nothing. */
export function parseStepRecord(text: string): StepRecord | null {
  try {
    return stepRecordSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
