import { z } from 'zod';
import type { BatchDetail } from '../../client/batch-detail.ts';
import type { BatchListEntry } from '../../client/list.ts';
import { batchSpecSchema, limitsSchema, retrySpecSchema, toleratedFailureSchema } from '../../domain/batch-spec.ts';
import { priorities } from '../../domain/priority.ts';

const usd = z.number().describe('USD');
const time = z.string().describe('ISO 8601, UTC');

export const batchIdParams = z.object({ id: z.string().min(1).max(200).describe('Id of the batch') });

const batchStatuses = ['running', 'waiting', 'paused', 'succeeded', 'failed', 'cancelled', 'terminated'] as const;
const batchStatus = z.enum(batchStatuses);

/** Limits as REST has them: the names of the command line's options. */
export const limitsReplySchema = z
  .strictObject({
    concurrency: z.int(),
    rate_limit: z.int().nullable().describe('Requests a minute; null: only the models’ own limits hold'),
    budget_usd: z.number().nullable(),
    tolerated_failures: z.int().nullable(),
    tolerated_failure_percent: z.number().nullable(),
  })
  .meta({ id: 'Limits' });

export const limitsChangeBody = z
  .strictObject({
    concurrency: limitsSchema.shape.concurrency.unwrap(),
    rate_limit: limitsSchema.shape.ratePerMinute.unwrap(),
    budget_usd: limitsSchema.shape.budgetUsd.unwrap(),
    tolerated_failures: toleratedFailureSchema.shape.count.unwrap(),
    tolerated_failure_percent: toleratedFailureSchema.shape.percent.unwrap(),
  })
  .partial()
  .meta({ id: 'LimitsChange' });
export type LimitsChangeBody = z.output<typeof limitsChangeBody>;

/** What `batch create` takes, in the names of its options. */
export const batchOptionsSchema = z
  .strictObject({
    // A name, never a path: those who may start batches may not read this machine's files.
    flow: z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'must be the name of a flow' }),
    parameters: batchSpecSchema.shape.parameters.unwrap().describe('Of the flow, by name'),
    interactive: batchSpecSchema.shape.interactive.unwrap().describe('Whether steps that ask a person wait'),
    shuffle_seed: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .describe('Runs the items in an order of chance that this number repeats'),
    max_records: batchSpecSchema.shape.maxRecords.unwrap().describe('Only that many items'),
    project: batchSpecSchema.shape.project.unwrap(),
    model: z.string().min(1),
    priority: z.enum(priorities),
    ...limitsChangeBody.shape,
    error_policy: batchSpecSchema.shape.errorPolicy.unwrap(),
    max_attempts: retrySpecSchema.shape.maxAttempts.unwrap(),
    timeout_ms: batchSpecSchema.shape.timeoutMs.unwrap().describe('Longest a single call may take'),
    item_timeout_ms: batchSpecSchema.shape.itemTimeoutMs
      .unwrap()
      .describe('Longest the steps of an item may work together; waits for turns and people are not counted'),
    webhooks: batchSpecSchema.shape.webhooks
      .unwrap()
      .describe(
        'Who is told of the batch, besides those who are told of all: names of the configuration, or addresses',
      ),
    deadline: batchSpecSchema.shape.deadline.unwrap().describe('Raises the priority as it nears; ISO 8601'),
    resume_next_day: batchSpecSchema.shape.resumeNextDay
      .unwrap()
      .describe('After a budget of the day, go on by itself when the day (of UTC) is over'),
    cache: z.boolean().describe('Whether results of earlier batches are used again where nothing differs'),
    output: z
      .string()
      .min(1)
      .max(500)
      .describe('Directory below the service’s root; by default one named after the batch'),
    format: z.enum(['auto', 'csv', 'jsonl']),
    encoding: z.string().min(1).max(40),
  })
  .partial();
export type BatchOptions = z.output<typeof batchOptionsSchema>;

/** What is read, where it is no upload. */
export const inputFields = {
  items: z
    .array(z.record(z.string(), z.json()))
    .min(1)
    .optional()
    .describe('Items as a JSONL has them, one object each'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address of a CSV or JSONL, one of those allowed'),
};

export const createBody = batchOptionsSchema
  .extend(inputFields)
  .refine(({ items, url }) => (items === undefined) !== (url === undefined), {
    message: 'give either items or url, or upload a file',
    path: ['items'],
  })
  .meta({ id: 'NewBatch' });
export type CreateBody = z.output<typeof createBody>;

const batchCounts = {
  batch_id: z.string(),
  status: batchStatus,
  total: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  skipped: z.int(),
  rejected: z.int(),
  cancelled: z.int(),
  cost_usd: usd,
  duration_seconds: z.number(),
  output: z.string(),
  running: z.int(),
  waiting: z.int().meta({ description: 'Items that wait for a person’s answer' }),
  pending: z.int(),
  images: z.int(),
  flow: z.string(),
  mode: z.enum(['live', 'emulated']),
  started_at: time.nullable(),
  paused_reason: z.string().nullable(),
  paused_action: z.string().nullable(),
};

/** How a batch stands. */
export const batchSchema = z
  .strictObject({
    ...batchCounts,
    project: z.string(),
    priority: z.enum(priorities),
    source: z.string(),
    created_at: time.nullable(),
    limits: limitsReplySchema,
    failure_policy: z.strictObject({
      window: z.int().describe('Finished items the failure rate is taken over'),
      min_sample: z.int().describe('Finished items before it means anything'),
      notice_above: z.number().describe('Rate (0–1) above which people are told'),
      pause_above: z.number().describe('Rate (0–1) above which the batch pauses'),
    }),
    error_policy: z.enum(['continue', 'stop']),
    failure_window: z
      .string()
      .nullable()
      .describe('How the last items ended, oldest first: 1 failed, 0 did not; null once the batch has closed'),
    pause: z.strictObject({ kind: z.string(), reason: z.string(), action: z.string(), since: time }).nullable(),
    notices: z.array(
      z.strictObject({ at: time, level: z.enum(['info', 'notice', 'escalation']), message: z.string() }),
    ),
    running_items: z
      .array(
        z.strictObject({
          item_id: z.string(),
          label: z.string(),
          model: z.string(),
          seed: z.int(),
          started_at: time,
        }),
      )
      .describe('Items under way, at most 50'),
  })
  .meta({ id: 'Batch' });
export type BatchReply = z.output<typeof batchSchema>;

export const createdSchema = z
  .strictObject({
    batch_id: z.string(),
    status: z.literal('running'),
    total: z.int().describe('Items'),
    rejected: z.int().describe('Rows that are no items'),
    rejected_rows: z
      .array(z.strictObject({ row: z.int(), type: z.string(), message: z.string() }))
      .describe('The first 100 of them, and why'),
    mode: z.enum(['live', 'emulated']),
    estimate_usd: usd.nullable().describe('USD; null where the batch was begun before'),
    output: z.string(),
  })
  .meta({ id: 'CreatedBatch' });

export const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(500).optional().describe('`next` of the page before'),
  status: batchStatus.optional(),
  flow: z.string().optional(),
  project: z.string().optional(),
});

const entry = z.strictObject({
  batch_id: z.string(),
  status: z.string(),
  flow: z.string(),
  project: z.string(),
  total: z.int(),
  output: z.string(),
  started_at: time,
  closed_at: time.nullable(),
}) satisfies z.ZodType<BatchListEntry>;

export function pageOf<T extends z.ZodType>(item: T, id: string) {
  return z
    .strictObject({
      data: z.array(item),
      next: z.string().nullable().describe('`cursor` of the next page; null after the last'),
    })
    .meta({ id });
}

export const listReply = pageOf(entry.meta({ id: 'BatchEntry' }), 'BatchPage');

/** A batch in the words of REST. */
export function toBatchReply({
  limits,
  failure_policy: policy,
  running_items: running,
  ...detail
}: BatchDetail): BatchReply {
  return {
    ...detail,
    limits: toLimitsReply(limits),
    failure_policy: {
      window: policy.window,
      min_sample: policy.minSample,
      notice_above: policy.noticeAbove,
      pause_above: policy.pauseAbove,
    },
    running_items: running.map(({ itemId, label, model, seed, startedAtMs }) => ({
      item_id: itemId,
      label,
      model,
      seed,
      started_at: new Date(startedAtMs).toISOString(),
    })),
  };
}

export function toLimitsReply(limits: BatchDetail['limits']): z.output<typeof limitsReplySchema> {
  const { concurrency, ratePerMinute, budgetUsd, toleratedFailure } = limits;
  return {
    concurrency,
    rate_limit: ratePerMinute,
    budget_usd: budgetUsd,
    tolerated_failures: toleratedFailure.count,
    tolerated_failure_percent: toleratedFailure.percent,
  };
}
