import { Readable } from 'node:stream';
import { Controller, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { itemStatuses } from '../../domain/result.ts';
import { openStore } from '../../storage/open-store.ts';
import { BatchAccess } from '../batches/batch-access.ts';
import { batchIdParams, pageOf } from '../batches/schemas.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';
import { isArtifact, listArtifacts } from './artifacts.ts';
import { resultLines } from './result-lines.ts';
import { sendObject } from './send-object.ts';
import { sendThumbnail } from './send-thumbnail.ts';
import { Thumbnails, thumbnailWidths } from './thumbnails.ts';

const tag = 'Results and files';

const report = describe({
  method: 'GET',
  path: 'batches/:id/report',
  role: 'read',
  tag,
  summary: 'The report of a closed batch, as Markdown',
  params: batchIdParams,
  replies: { 200: { description: 'The report.', type: 'text/markdown' } },
});
const results = describe({
  method: 'GET',
  path: 'batches/:id/results',
  role: 'read',
  tag,
  summary: 'The last result of every item that has ended, streamed',
  params: batchIdParams,
  query: z.object({ format: z.enum(['jsonl', 'csv']).default('jsonl'), status: z.enum(itemStatuses).optional() }),
  replies: { 200: { description: 'One result a line.', type: 'application/jsonl' } },
});
const artifact = z
  .strictObject({
    key: z.string().describe('Path in the batch, e.g. images/cat.png'),
    size: z.int(),
    modified_at: z.string(),
    type: z.string(),
  })
  .meta({ id: 'Artifact' });
const list = describe({
  method: 'GET',
  path: 'batches/:id/artifacts',
  role: 'read',
  tag,
  summary: 'The files of a batch',
  params: batchIdParams,
  query: z.object({
    prefix: z.string().max(500).default('').describe('Only those whose key begins with it, e.g. images/'),
    limit: z.coerce.number().int().min(1).max(1_000).default(200),
    cursor: z.string().max(1_000).optional().describe('`next` of the page before'),
  }),
  replies: { 200: { description: 'A page of files.', schema: pageOf(artifact, 'ArtifactPage') } },
});
const show = describe({
  method: 'GET',
  path: 'batches/:id/artifacts/*',
  role: 'read',
  tag,
  summary: 'One file of a batch; ranges are served',
  params: batchIdParams.extend({ '*': z.string().min(1).max(1_000).describe('Key of the file') }),
  query: z.object({
    download: z.enum(['true', 'false']).optional().describe('Save it instead of showing it'),
    width: z
      .enum(thumbnailWidths)
      .optional()
      .describe('Of a picture: a small one of that many pixels, as WebP; the file itself where it is no wider'),
    v: z
      .string()
      .max(100)
      .optional()
      .describe('Anything that changes when the file does: the answer may then be kept for an hour'),
  }),
  headers: { Range: 'bytes=first-last', 'If-None-Match': 'ETag of a copy that is there already' },
  replies: { 200: { description: 'The file.', type: 'application/octet-stream' } },
});

/** How long a browser keeps a file whose address changes with it. */
const keptSeconds = 3_600;

@Controller('api')
export class FilesController {
  readonly #batches: BatchAccess;
  readonly #thumbnails: Thumbnails;

  constructor(@Inject(BatchAccess) batches: BatchAccess, @Inject(Thumbnails) thumbnails: Thumbnails) {
    this.#batches = batches;
    this.#thumbnails = thumbnails;
  }

  @Endpoint(report)
  async report(@Input() { params: { id }, caller }: Given<typeof report>, @Res() reply: FastifyReply) {
    const sluice = await this.#batches.of(id, caller);
    const markdown = await sluice.report(id);
    if (markdown === null) {
      throw new SluiceError('BATCH_RUNNING', `Batch ${id} has no report yet: it is written when the batch ends.`);
    }
    await reply.header('content-type', 'text/markdown; charset=utf-8').send(markdown);
  }

  @Endpoint(results)
  async results(@Input() { params: { id }, query, caller }: Given<typeof results>, @Res() reply: FastifyReply) {
    // Before the first line is sent: what is wrong can still be said then.
    await this.#batches.find(id, caller);
    const sluice = await this.#batches.sluice();
    const type =
      query.format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/jsonl; charset=utf-8';
    const rows = sluice.jobs(id, { status: query.status });
    await reply.header('content-type', type).send(Readable.from(resultLines(rows, query.format)));
  }

  @Endpoint(list)
  async list(@Input() { params: { id }, query, caller }: Given<typeof list>) {
    const { storeUri } = await this.#batches.find(id, caller);
    return listArtifacts(openStore(storeUri), query);
  }

  @Endpoint(show)
  async show(
    @Input() { params, query, caller }: Given<typeof show>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const key = params['*'];
    const { storeUri } = await this.#batches.find(params.id, caller);
    if (!isArtifact(key)) throw new SluiceError('FILE_NOT_FOUND', `The batch has no file ${key}.`);
    const { download, width, v: version } = query;
    const maxAgeSeconds = version === undefined ? 0 : keptSeconds;
    const input = { store: openStore(storeUri), key, request, reply, download: download === 'true', maxAgeSeconds };
    if (width !== undefined && (await sendThumbnail(this.#thumbnails, input, Number(width)))) return;
    await sendObject(input);
  }
}
