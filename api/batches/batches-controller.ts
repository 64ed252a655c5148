import { Controller, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Endpoint, describe, Input, type Given } from '../http/endpoint.ts';
import { BatchAccess } from './batch-access.ts';
import { CreateBatch } from './create-batch.ts';
import { listPage } from './list-page.ts';
import { Standings } from './standings.ts';
import {
  batchIdParams,
  batchSchema,
  createBody,
  createdSchema,
  listQuery,
  listReply,
  toBatchReply,
  type BatchReply,
} from './schemas.ts';

const tag = 'Batches';

const create = describe({
  method: 'POST',
  path: 'batches',
  role: 'run',
  tag,
  summary: 'Start a batch',
  body: createBody,
  upload: true,
  headers: {
    'Idempotency-Key': 'The same key with the same body gives the same batch, however often it is sent.',
  },
  replies: { 201: { description: 'The batch has started.', schema: createdSchema } },
});
const list = describe({
  method: 'GET',
  path: 'batches',
  role: 'read',
  tag,
  summary: 'List batches: those that have not closed, then the latest',
  query: listQuery,
  replies: { 200: { description: 'A page of batches.', schema: listReply } },
});
const show = describe({
  method: 'GET',
  path: 'batches/:id',
  role: 'read',
  tag,
  summary: 'How a batch stands',
  params: batchIdParams,
  replies: { 200: { description: 'The batch.', schema: batchSchema } },
});
const cancel = describe({
  method: 'DELETE',
  path: 'batches/:id',
  role: 'run',
  tag,
  summary: 'Cancel a batch: no more items are started, calls under way finish',
  params: batchIdParams,
  replies: { 202: { description: 'The batch is being cancelled.', schema: batchSchema } },
});

@Controller('api')
export class BatchesController {
  readonly #batches: BatchAccess;
  readonly #creation: CreateBatch;
  readonly #standings: Standings;

  constructor(
    @Inject(BatchAccess) batches: BatchAccess,
    @Inject(CreateBatch) creation: CreateBatch,
    @Inject(Standings) standings: Standings,
  ) {
    this.#standings = standings;
    this.#batches = batches;
    this.#creation = creation;
  }

  @Endpoint(create)
  create(
    @Input() { body, caller }: Given<typeof create>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.#creation.create(request, reply, body, caller);
  }

  @Endpoint(list)
  async list(@Input() { query, caller }: Given<typeof list>) {
    return listPage(await this.#batches.sluice(), query, caller);
  }

  @Endpoint(show)
  async show(
    @Input() { params, caller }: Given<typeof show>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BatchReply> {
    const sluice = await this.#batches.of(params.id, caller);
    const { detail, ageMs } = await this.#standings.of(sluice, params.id);
    void reply.header('age', String(Math.floor(ageMs / 1_000)));
    return toBatchReply(detail);
  }

  @Endpoint(cancel)
  async cancel(@Input() { params, caller }: Given<typeof cancel>): Promise<BatchReply> {
    const sluice = await this.#batches.of(params.id, caller);
    await sluice.cancel(params.id);
    this.#standings.forget(params.id);
    return toBatchReply(await this.#standings.fresh(sluice, params.id));
  }
}
