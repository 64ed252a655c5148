import { Controller, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BatchAccess } from '../batches/batch-access.ts';
import { batchIdParams } from '../batches/schemas.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';
import { Feeds } from './feeds.ts';

const follow = describe({
  method: 'GET',
  path: 'batches/:id/events',
  role: 'read',
  tag: 'Events',
  summary: 'Progress and results as they come, as server-sent events',
  params: batchIdParams,
  query: z.object({
    from: z.coerce
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Number of the first result wanted; by default those from now on'),
  }),
  headers: { 'Last-Event-ID': 'Number of the last result received; those after it are sent' },
  replies: {
    200: {
      description:
        'Events `progress` (data as of the batch), `result` (a job; its id is the sequence number) and `end`.',
      type: 'text/event-stream',
    },
  },
});

@Controller('api')
export class EventsController {
  readonly #batches: BatchAccess;
  readonly #feeds: Feeds;

  constructor(@Inject(BatchAccess) batches: BatchAccess, @Inject(Feeds) feeds: Feeds) {
    this.#batches = batches;
    this.#feeds = feeds;
  }

  @Endpoint(follow)
  async follow(
    @Input() { params: { id }, query, caller }: Given<typeof follow>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const found = await this.#batches.find(id, caller);
    const last = request.headers['last-event-id'];
    const from = typeof last === 'string' && /^\d+$/.test(last) ? Number(last) + 1 : (query.from ?? null);
    await this.#feeds.stream(
      await this.#batches.sluice(),
      { batchId: id, running: found.state === 'running', from },
      reply,
    );
  }
}
