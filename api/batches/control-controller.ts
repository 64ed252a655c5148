import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';
import type { Sluice } from '../../client/sluice.ts';
import { BatchAccess } from './batch-access.ts';
import { Standings } from './standings.ts';
import { toLimitsChange } from './options.ts';
import {
  batchIdParams,
  batchSchema,
  limitsChangeBody,
  limitsReplySchema,
  toBatchReply,
  toLimitsReply,
  type BatchReply,
} from './schemas.ts';

const tag = 'Control';
const params = batchIdParams;
const accepted = { 202: { description: 'Taken up; how the batch stands.', schema: batchSchema } };

const pause = describe({
  method: 'POST',
  path: 'batches/:id/pause',
  role: 'run',
  tag,
  summary: 'Start no more items; those under way finish',
  params,
  replies: accepted,
});
const resume = describe({
  method: 'POST',
  path: 'batches/:id/resume',
  role: 'run',
  tag,
  summary: 'Go on with a paused batch, with other limits if given',
  params,
  body: limitsChangeBody,
  replies: accepted,
});
const redriveBody = z
  .strictObject({
    codes: z.array(z.string().min(1)).min(1).optional().describe('Only items that failed with one of these codes'),
    item_ids: z.array(z.string().min(1)).min(1).optional().describe('Only these items'),
    model: z
      .string()
      .min(1)
      .optional()
      .describe('Called instead, in steps of its kind that are not finished or failed a check'),
    parameters: z
      .record(z.string(), z.json())
      .optional()
      .describe('Parameters of the flow that are others this time; steps that depend on them are done again'),
  })
  .meta({ id: 'Redrive' });
const redriven = z
  .strictObject({
    batch_id: z.string(),
    items: z.int().nullable().describe('How many items run again; null where the new run counts them itself'),
    from_sequence: z.int().describe('Number of the first result that comes of it'),
  })
  .meta({ id: 'Redriven' });
const redrive = describe({
  method: 'POST',
  path: 'batches/:id/redrive',
  role: 'run',
  tag,
  summary: 'Run items again that failed or were cancelled, in a running or a closed batch',
  params,
  body: redriveBody,
  replies: { 202: { description: 'The items run again.', schema: redriven } },
});
const limits = describe({
  method: 'GET',
  path: 'batches/:id/limits',
  role: 'read',
  tag,
  summary: 'The limits of a batch',
  params,
  replies: { 200: { description: 'The limits.', schema: limitsReplySchema } },
});
const setLimits = describe({
  method: 'PATCH',
  path: 'batches/:id/limits',
  role: 'run',
  tag,
  summary: 'Change limits of a running batch',
  params,
  body: limitsChangeBody,
  replies: { 200: { description: 'All limits as they are now.', schema: limitsReplySchema } },
});

/** What can be done to a batch that was started. */
@Controller('api')
export class ControlController {
  readonly #batches: BatchAccess;

  readonly #standings: Standings;

  constructor(@Inject(BatchAccess) batches: BatchAccess, @Inject(Standings) standings: Standings) {
    this.#batches = batches;
    this.#standings = standings;
  }

  @Endpoint(pause)
  async pause(@Input() { params: { id }, caller }: Given<typeof pause>): Promise<BatchReply> {
    const sluice = await this.#batches.of(id, caller);
    await sluice.pause(id);
    return await this.#standing(sluice, id);
  }

  @Endpoint(resume)
  async resume(@Input() { params: { id }, body, caller }: Given<typeof resume>): Promise<BatchReply> {
    const sluice = await this.#batches.of(id, caller);
    const change = toLimitsChange(body);
    if (Object.keys(change).length > 0) await sluice.setLimits(id, change);
    await sluice.resume(id);
    return await this.#standing(sluice, id);
  }

  @Endpoint(redrive)
  async redrive(@Input() { params: { id }, body, caller }: Given<typeof redrive>) {
    const sluice = await this.#batches.of(id, caller);
    this.#standings.forget(id);
    const { items, fromRow } = await sluice.retry(id, {
      ...(body.codes === undefined ? {} : { codes: body.codes }),
      ...(body.item_ids === undefined ? {} : { itemIds: body.item_ids }),
      ...(body.model === undefined ? {} : { model: body.model }),
      ...(body.parameters === undefined ? {} : { parameters: body.parameters }),
    });
    return { batch_id: id, items, from_sequence: fromRow };
  }

  @Endpoint(limits)
  async limits(@Input() { params: { id }, caller }: Given<typeof limits>) {
    const sluice = await this.#batches.of(id, caller);
    return toLimitsReply((await sluice.detail(id)).limits);
  }

  @Endpoint(setLimits)
  async setLimits(@Input() { params: { id }, body, caller }: Given<typeof setLimits>) {
    const sluice = await this.#batches.of(id, caller);
    const limits = await sluice.setLimits(id, toLimitsChange(body));
    this.#standings.forget(id);
    return toLimitsReply(limits);
  }

  async #standing(sluice: Sluice, id: string): Promise<BatchReply> {
    this.#standings.forget(id);
    return toBatchReply(await this.#standings.fresh(sluice, id));
  }
}
