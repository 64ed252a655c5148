import { z } from 'zod';

const usd = z.number().describe('USD');

export const planSchema = z
  .strictObject({
    total: z.int().describe('Items'),
    rejected: z.int().describe('Rows that are no items'),
    rejected_rows: z
      .array(
        z.strictObject({
          row: z.int(),
          type: z.string(),
          message: z.string(),
          raw: z.string().describe('The row, cut'),
        }),
      )
      .describe('The first 100 of them, and why'),
    models: z
      .record(
        z.string(),
        z.strictObject({
          items: z.int().describe('Items that call it'),
          calls: z.number().describe('Calls expected, over all items'),
          estimate_usd: usd,
        }),
      )
      .describe('By model, or `gpu.<class>`'),
    estimate_usd: usd,
    least_usd: usd.describe('USD, with one round of each loop'),
    most_usd: usd.describe('USD, with all rounds that loops may take'),
    estimate_seconds: z.number(),
    bound_by: z.string().describe('What keeps it from being done sooner'),
  })
  .meta({ id: 'BatchPlan' });
