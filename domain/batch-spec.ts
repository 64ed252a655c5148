import { z } from 'zod';
import { comfySpecSchema } from './comfy-work.ts';
import { priorities } from './priority.ts';

/**
 * How a batch is to be run: the options a user gives, with the defaults of the command line.
 * Parsed once at the edge; workflows receive the parsed value and never parse it again.
 */
export const retrySpecSchema = z.strictObject({
  /** Calls an item may lose to its own failures (timeouts, 5xx, text-only replies). Rate limits and worker crashes are not counted. */
  maxAttempts: z.int().min(1).max(20).default(3),
  /** First delay, milliseconds. */
  initialMs: z.int().min(10).max(600_000).default(1_000),
  factor: z.number().min(1).max(10).default(2),
  /** Longest delay, milliseconds. */
  maxMs: z.int().min(10).max(3_600_000).default(8_000),
});

export const toleratedFailureSchema = z.strictObject({
  /** Failed items after which the batch pauses. */
  count: z.int().min(0).nullable().default(null),
  /** Percentage (0–100) of finished items failed above which the batch pauses. */
  percent: z.number().min(0).max(100).nullable().default(null),
  /** Finished items before `percent` is looked at. */
  minSample: z.int().min(1).default(10),
});

export const failurePolicySchema = z.strictObject({
  /** Finished items the failure rate is taken over. */
  window: z.int().min(2).max(1_000).default(50),
  /** Finished items needed before the rate means anything. */
  minSample: z.int().min(1).default(10),
  /** Rate (0–1) above which the batch pauses and escalates. */
  pauseAbove: z.number().min(0).max(1).default(0.5),
  /** Rate (0–1) above which a notice is given once. */
  noticeAbove: z.number().min(0).max(1).default(0.2),
});

/** What may be changed while the batch runs (`setLimits`). */
export const limitsSchema = z.strictObject({
  /** Items worked on at once. */
  concurrency: z.int().min(1).max(50).default(10),
  /** Requests a rolling minute for this batch; null: only the model's own limits hold. */
  ratePerMinute: z.int().min(1).max(300).nullable().default(60),
  /** Hard cap in USD; null: none. */
  budgetUsd: z.number().min(0).nullable().default(null),
  toleratedFailure: toleratedFailureSchema.prefault({}),
});

export const batchSpecSchema = z.strictObject({
  flow: z.string().min(1).default('image'),
  project: z.string().min(1).max(100).default('default'),
  /** Model for rows that name none; null: by the row's quality, from models.yaml. */
  model: z.string().min(1).nullable().default(null),
  priority: z.enum(priorities).default('normal'),
  /** When the batch is to be done, ISO 8601 with its zone: raises the priority as it nears. */
  deadline: z.iso.datetime({ offset: true, error: 'must be a moment, e.g. 2026-12-01T12:00:00Z' }).optional(),
  /** Only of flows with a step that ComfyUI servers do. */
  comfy: comfySpecSchema.optional(),
  /** Steps that ask a person wait for the answer; else each answers as its flow says. */
  interactive: z.boolean().default(false),
  /**
   * Use results of other batches again where step, inputs, model and seed are the same, and keep these for others;
   * null: in flows of several steps, but not where an item is one image (see docs/cache.md).
   */
  cache: z.boolean().nullable().default(null),
  /** Who is told of this batch besides those who are told of all: names of the configuration, or addresses. */
  webhooks: z.array(z.string().min(1).max(2_000)).max(10).optional(),
  /** Of the flow, by name. */
  parameters: z.record(z.string(), z.json()).default({}),
  /** Run the items in an order of chance, the same for the same seed. */
  shuffle: z
    .strictObject({ seed: z.int().min(0).max(2_147_483_647) })
    .nullable()
    .default(null),
  /** Only that many items: the first ones, or, shuffled, a sample. */
  maxRecords: z.int().min(1).nullable().default(null),
  /** Items take the models a step may call in turn, whatever rule the flow has. */
  rotateModels: z.boolean().default(false),
  errorPolicy: z.enum(['continue', 'stop']).default('continue'),
  limits: limitsSchema.prefault({}),
  /** Whether a pause for a budget of the day ends by itself once the day (of UTC) is over. @default false */
  resumeNextDay: z.boolean().optional(),
  failurePolicy: failurePolicySchema.prefault({}),
  retry: retrySpecSchema.prefault({}),
  /** Longest a single provider call may take, milliseconds. */
  timeoutMs: z.int().min(100).max(3_600_000).default(120_000),
  /** Longest the steps of an item may work together, milliseconds; waits for turns and people are not counted. */
  itemTimeoutMs: z.int().min(100).max(86_400_000).optional(),
});

export type BatchSpec = z.output<typeof batchSpecSchema>;
export type BatchSpecInput = z.input<typeof batchSpecSchema>;
export type Limits = z.output<typeof limitsSchema>;
export type RetrySpec = z.output<typeof retrySpecSchema>;
export type FailurePolicy = z.output<typeof failurePolicySchema>;

/** A change of limits: only what is to change. */
export const limitsChangeSchema = z
  .strictObject({
    concurrency: limitsSchema.shape.concurrency.unwrap(),
    ratePerMinute: limitsSchema.shape.ratePerMinute.unwrap(),
    budgetUsd: limitsSchema.shape.budgetUsd.unwrap(),
    toleratedFailure: toleratedFailureSchema,
  })
  .partial();
export type LimitsChange = z.output<typeof limitsChangeSchema>;
