import { Controller, Inject } from '@nestjs/common';
import { SluiceError } from '../../domain/errors.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';
import { BatchAccess } from './batch-access.ts';
import { batchIdParams, jobParams, jobReply, jobsQuery, jobsReply } from './schemas.ts';

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
