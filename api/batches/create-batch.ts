import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ApiSettings } from '../../client/api-settings.ts';
import { loadConfig } from '../../client/config.ts';
import { newBatchId } from '../../client/submit.ts';
import { batchInfoKey } from '../../domain/batch-info.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/role.ts';
import type { BatchDetail } from '../../client/batch-detail.ts';
import type { Sluice } from '../../client/sluice.ts';
import { EngineLink } from '../engine-link.ts';
import { homeToken, settingsToken } from '../tokens.ts';
import { Findings } from '../http/problem.ts';
import { Idempotency } from './idempotency.ts';
import { toSpec } from './options.ts';
import { readRequest, type BatchRequest } from './read-request.ts';
import type { CreateBody, createdSchema } from './schemas.ts';

type Created = z.output<typeof createdSchema>;
type RejectedRow = Created['rejected_rows'][number];

/** Rows that are no items and are told of in the answer; all are in the file beside the batch. */
const mostRejected = 100;

/** Starts batches. */
@Injectable()
export class CreateBatch {
  readonly #engine: EngineLink;
  readonly #settings: ApiSettings;
  readonly #home: string;
  readonly #idempotency: Idempotency;

  constructor(
    @Inject(EngineLink) engine: EngineLink,
    @Inject(settingsToken) settings: ApiSettings,
    @Inject(homeToken) home: string,
    @Inject(Idempotency) idempotency: Idempotency,
  ) {
    this.#engine = engine;
    this.#settings = settings;
    this.#home = home;
    this.#idempotency = idempotency;
  }

  /** @param body absent where the request is an upload */
  async create(request: FastifyRequest, reply: FastifyReply, body: CreateBody | undefined, caller: Caller) {
    const key = request.headers['idempotency-key'];
    const wanted = await readRequest(request, body, this.#settings);
    if (key === undefined) return await this.#submit(wanted, caller);
    if (typeof key !== 'string' || key === '' || key.length > 255) {
      throw new SluiceError('USAGE', 'Idempotency-Key: must be 1 to 255 characters.');
    }
    const { reply: created, again } = await this.#idempotency.once({
      key,
      scope: caller.project ?? '',
      fingerprint: wanted.fingerprint,
      run: (id) => this.#submit(wanted, caller, `batch_${id}`),
    });
    if (again) void reply.header('idempotency-replayed', 'true');
    return created as Created;
  }

  /** @param batchId of a request with a key, which may have been begun before */
  async #submit(wanted: BatchRequest, caller: Caller, batchId?: string): Promise<Created> {
    const sluice = await this.#engine.forSubmission();
    try {
      return await this.#start(sluice, wanted, caller, batchId);
    } catch (error) {
      if (batchId === undefined || !(error instanceof SluiceError)) throw error;
      // What the key began before a crash may be over by now, or run with other items.
      if (error.code === 'OUTPUT_EXISTS' && (await sluice.find(batchId)) !== null)
        return ended(await sluice.detail(batchId));
      if (error.code !== 'OUTPUT_IN_USE') throw error;
      throw new SluiceError('IDEMPOTENCY_MISMATCH', 'This Idempotency-Key was used with another request.');
    }
  }

  async #start(
    sluice: Sluice,
    { open, options }: BatchRequest,
    caller: Caller,
    batchId = newBatchId(),
  ): Promise<Created> {
    const config = loadConfig({ cwd: this.#home, home: this.#home, env: {}, notice: () => undefined });
    const project = caller.project ?? options.project;
    const rejected: RejectedRow[] = [];
    const submitted = sluice.submit({
      input: await open(),
      batchId,
      output: options.output === undefined ? undefined : this.#outputOf(options.output),
      parent: this.#root,
      localFiles: false,
      onRejected: ({ rowNumber, errorType, message }) => {
        if (rejected.length < mostRejected) rejected.push({ row: rowNumber, type: errorType, message });
      },
      format: options.format,
      encoding: options.encoding,
      spec: toSpec({ ...options, project }, config),
    });
    const { staged, mode, output, ...submission } = await submitted.catch(async (error: unknown) => {
      if (options.output === undefined) await this.#forget(batchId);
      throw withRows(error, rejected);
    });
    return {
      batch_id: submission.batchId,
      status: 'running',
      total: staged.total,
      rejected: staged.rejected,
      rejected_rows: rejected,
      mode,
      estimate_usd: Number(staged.estimateUsd.toFixed(6)),
      output,
    };
  }

  /** Removes what a request that failed has left, unless it is a batch after all. */
  async #forget(batchId: string): Promise<void> {
    const directory = join(this.#root, batchId);
    if (!existsSync(join(directory, batchInfoKey))) await rm(directory, { recursive: true, force: true });
  }

  get #root(): string {
    return this.#settings.output_root ?? join(this.#home, 'batches');
  }

  #outputOf(output: string): string {
    const path = normalize(output);
    const leaves =
      isAbsolute(path) ||
      path.split(/[\\/]/).includes('..') ||
      /^[a-z][a-z0-9+]*:/i.test(output) ||
      path.includes('\0');
    if (leaves) {
      throw new SluiceError('OUTPUT_OUTSIDE', 'output: must be a path below the directory batches are written to.');
    }
    return join(this.#root, path);
  }
}

function ended({ batch_id, total, rejected, mode, output }: BatchDetail): Created {
  return { batch_id, status: 'running', total, rejected, rejected_rows: [], mode, estimate_usd: null, output };
}

/** An input of which no row is an item says here which they were: nobody sees the file of them. */
function withRows(error: unknown, rows: readonly RejectedRow[]): unknown {
  if (!(error instanceof SluiceError) || error.code !== 'NO_VALID_REQUESTS') return error;
  const findings = rows.map(({ row, message }) => ({ field: `row ${String(row)}`, rule: message }));
  return new SluiceError(error.code, 'No row of the input is a valid item.', {
    action: 'Correct the rows listed in errors.',
    cause: new Findings(findings),
  });
}
