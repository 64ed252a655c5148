import { z } from 'zod';
import { itemStatuses, resultRowSchema } from '../../domain/result.ts';
import { batchIdParams, pageOf } from './schemas.ts';

export const jobsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().max(200).optional().describe('`next` of the page before'),
  status: z.enum(itemStatuses).optional(),
  attempts: z.enum(['last', 'all']).default('last').describe('all: also of items that were run again since'),
});

const jobSchema = resultRowSchema
  .extend({
    /** Place among all results of the batch; the id of its event. */
    sequence: z.int(),
  })
  .meta({ id: 'Job' });

export const jobsReply = pageOf(jobSchema, 'JobPage');

export const itemsQuery = z.object({
  q: z.string().max(500).optional().describe('Only items whose id, prompt or columns hold this, in whatever case'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().max(200).optional().describe('`next` of the page before'),
});

export const itemsReply = pageOf(
  z
    .strictObject({
      item_id: z.string(),
      index: z.int().describe('Place among the items, from 0'),
      prompt: z.string().describe('Its first 300 characters'),
      model: z.string(),
      seed: z.int(),
    })
    .meta({ id: 'Item' }),
  'ItemPage',
);

export const jobParams = batchIdParams.extend({ record_id: z.string().min(1).max(500).describe('Id of the item') });

export const jobReply = z
  .union([
    jobSchema,
    z
      .strictObject({
        request_id: z.string(),
        status: z.literal('running'),
        label: z.string(),
        model: z.string(),
        seed: z.int(),
        started_at: z.string().describe('ISO 8601, UTC'),
      })
      .meta({ id: 'RunningJob' }),
    z
      .strictObject({
        request_id: z.string(),
        status: z
          .enum(['pending', 'waiting', 'cancelled'])
          .describe('Its turn has not come; it waits for a person; the batch closed before its turn'),
        index: z.int().describe('Place among the items of the batch'),
        label: z.string(),
        model: z.string(),
        seed: z.int(),
      })
      .meta({ id: 'UnfinishedJob' }),
  ])
  .describe('The last result of an item, or what is known of it while it has none');
