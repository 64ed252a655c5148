import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { maxNoteLength } from '../../domain/question.ts';
import { reviewDecisions, type Review } from '../../domain/review.ts';
import { BatchAccess } from '../batches/batch-access.ts';
import { jobParams } from '../batches/job-schemas.ts';
import { batchIdParams } from '../batches/schemas.ts';
import { Standings } from '../batches/standings.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';

const tag = 'People';
const review = z
  .strictObject({
    item_id: z.string(),
    decision: z.enum(reviewDecisions),
    note: z.string().nullable(),
    result: z.string().describe('`finished_at` of the result that was looked at: a later one has not been reviewed'),
    at: z.string().describe('ISO 8601, UTC'),
  })
  .meta({ id: 'Review' });

const list = describe({
  method: 'GET',
  path: 'batches/:id/reviews',
  role: 'read',
  tag,
  summary: 'What people said of finished items, the latest of each',
  params: batchIdParams,
  replies: {
    200: { description: 'The reviews.', schema: z.strictObject({ data: z.array(review) }).meta({ id: 'Reviews' }) },
  },
});
const give = describe({
  method: 'POST',
  path: 'batches/:id/jobs/:record_id/review',
  role: 'run',
  tag,
  summary: 'Approve or reject what an item made; what is rejected is made again',
  params: jobParams,
  body: z
    .strictObject({
      decision: z.enum(reviewDecisions),
      note: z
        .string()
        .max(maxNoteLength)
        .optional()
        .describe('What to change: said to the model after the prompt, and with another seed'),
    })
    .meta({ id: 'NewReview' }),
  replies: { 200: { description: 'The review.', schema: review } },
});

/** Reviews of finished items, whether their flow asks anybody or not. */
@Controller('api')
export class ReviewsController {
  readonly #batches: BatchAccess;
  readonly #standings: Standings;

  constructor(@Inject(BatchAccess) batches: BatchAccess, @Inject(Standings) standings: Standings) {
    this.#batches = batches;
    this.#standings = standings;
  }

  @Endpoint(list)
  async list(@Input() { params: { id }, caller }: Given<typeof list>) {
    const sluice = await this.#batches.of(id, caller);
    return { data: (await sluice.reviews.list(id)).map(toReply) };
  }

  @Endpoint(give)
  async give(@Input() { params, body, caller }: Given<typeof give>) {
    const { id: batchId, record_id: itemId } = params;
    const sluice = await this.#batches.of(batchId, caller);
    const given = await sluice.reviews.give({ batchId, itemId }, body);
    // One that had closed may run again.
    this.#standings.forget(batchId);
    return toReply(given);
  }
}

function toReply({ request_id: itemId, decision, note, result, at }: Review): z.output<typeof review> {
  return { item_id: itemId, decision, note, result, at };
}
