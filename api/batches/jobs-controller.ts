import { Controller, Inject } from '@nestjs/common';
import type { z } from 'zod';
import { stagedItemsOf } from '../../client/staged-items.ts';
import { SluiceError } from '../../domain/errors.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';
import { BatchAccess } from './batch-access.ts';
import { itemsQuery, itemsReply, jobParams, jobReply, jobsQuery, jobsReply } from './job-schemas.ts';
import { batchIdParams } from './schemas.ts';

const tag = 'Jobs';

const list = describe({
  method: 'GET',
  path: 'batches/:id/jobs',
  role: 'read',
  tag,
  summary: 'Items that have ended, each with its last result, in the order they ended',
  params: batchIdParams,
  query: jobsQuery,
  replies: { 200: { description: 'A page of results.', schema: jobsReply } },
});
const show = describe({
  method: 'GET',
  path: 'batches/:id/jobs/:record_id',
  role: 'read',
  tag,
  summary: 'One item: its last result, or how it stands while it has none',
  params: jobParams,
  replies: { 200: { description: 'The item.', schema: jobReply } },
});
const items = describe({
  method: 'GET',
  path: 'batches/:id/items',
  role: 'read',
  tag,
  summary: 'Items as they were read, whether they have run or not; a search through their prompts',
  params: batchIdParams,
  query: itemsQuery,
  replies: { 200: { description: 'A page of items, in the order of the input.', schema: itemsReply } },
});

/** Characters of a prompt in a list. */
const promptLength = 300;

@Controller('api')
export class JobsController {
  readonly #batches: BatchAccess;

  constructor(@Inject(BatchAccess) batches: BatchAccess) {
    this.#batches = batches;
  }

  @Endpoint(list)
  async list(@Input() { params: { id }, query, caller }: Given<typeof list>) {
    const sluice = await this.#batches.of(id, caller);
    const after = query.cursor === undefined ? -1 : Number(query.cursor);
    if (!Number.isSafeInteger(after)) throw new SluiceError('USAGE', 'cursor: is none of this list.');
    // One more than wanted tells whether there is a next page.
    const { status, limit, attempts } = query;
    const options = { status, limit: limit + 1, after, attempts: attempts === 'all' };
    const jobs = await Array.fromAsync(sluice.numberedJobs(id, options), ({ row, sequence }) => ({ ...row, sequence }));
    const data = jobs.slice(0, limit);
    return { data, next: jobs.length > data.length ? String(data.at(-1)?.sequence) : null };
  }

  @Endpoint(items)
  async items(@Input() { params: { id }, query, caller }: Given<typeof items>) {
    const { storeUri } = await this.#batches.find(id, caller);
    const { q: text, cursor, limit } = query;
    const from = Number(cursor ?? 0);
    if (!Number.isSafeInteger(from)) throw new SluiceError('USAGE', 'cursor: is none of this list.');
    const data: z.output<typeof itemsReply>['data'] = [];
    for await (const { item, place } of stagedItemsOf({ batchId: id, storeUri }, { text, from })) {
      if (data.length === limit) return { data, next: String(place) };
      const { id: itemId, index, prompt, model, seed } = item;
      data.push({ item_id: itemId, index, prompt: prompt.slice(0, promptLength), model, seed });
    }
    return { data, next: null };
  }

  @Endpoint(show)
  async show(@Input() { params: { id, record_id: itemId }, caller }: Given<typeof show>) {
    const sluice = await this.#batches.of(id, caller);
    const { running_items: running } = await sluice.detail(id);
    const underWay = running.find((item) => item.itemId === itemId);
    if (underWay !== undefined) {
      const { label, model, seed, startedAtMs } = underWay;
      const startedAt = new Date(startedAtMs).toISOString();
      return { request_id: itemId, status: 'running' as const, label, model, seed, started_at: startedAt };
    }
    for await (const { row, sequence } of sluice.numberedJobs(id)) {
      if (row.request_id === itemId) return { ...row, sequence };
    }
    const unfinished = await sluice.unfinishedItem(id, itemId);
    if (unfinished !== null) return unfinished;
    throw new SluiceError('ITEM_NOT_FOUND', `${id} has no item ${itemId}.`);
  }
}
