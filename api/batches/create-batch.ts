import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { outputRootOf, type ApiSettings } from '../../client/api-settings.ts';
import { newBatchId } from '../../client/submit.ts';
import { batchInfoKey } from '../../domain/batch-info.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/role.ts';
import type { InputSource } from '../../client/input/source.ts';
import type { Sluice } from '../../client/sluice.ts';
import { EngineLink } from '../engine-link.ts';
import { homeToken, loggerToken, settingsToken } from '../tokens.ts';
import { Findings } from '../http/problem.ts';
import { noteBegun, takeNotes, withKept } from './kept-upload.ts';
import { specOf } from './options.ts';
import { outputOf } from './places.ts';
import { readRequest } from './read-request.ts';
import type { BatchOptions, CreateBody, createdSchema } from './schemas.ts';

type Created = z.output<typeof createdSchema>;
type RejectedRow = Created['rejected_rows'][number];

/** Rows that are no items and are told of in the answer; all are in the file beside the batch. */
const mostRejected = 100;

/** Starts batches. */
@Injectable()
export class CreateBatch implements OnModuleInit {
  readonly #engine: EngineLink;
  readonly #settings: ApiSettings;
  readonly #home: string;
  readonly #log: Logger;

  constructor(
    @Inject(EngineLink) engine: EngineLink,
    @Inject(settingsToken) settings: ApiSettings,
    @Inject(homeToken) home: string,
    @Inject(loggerToken) log: Logger,
  ) {
    this.#log = log;
    this.#engine = engine;
    this.#settings = settings;
    this.#home = home;
  }

  /** What a service that was killed had begun and not started is no batch. */
  async onModuleInit(): Promise<void> {
    for (const batchId of await takeNotes(this.#home)) await this.#forget(batchId);
  }

  /** @param body absent where the request is an upload */
  async create(request: FastifyRequest, reply: FastifyReply, body: CreateBody | undefined, caller: Caller) {
    const { options, input, key } = await readRequest(request, body, this.#settings);
    this.#engine.assertRoom();
    const sluice = await this.#engine.forSubmission();
    if (key === undefined) return (await this.#start(sluice, input, options, caller)).created;
    // Keys of different projects are different keys.
    const idempotencyKey = JSON.stringify([caller.project ?? '', key]);
    const { created, replayed } = await withKept(this.#home, input, (kept) =>
      this.#start(sluice, kept, options, caller, idempotencyKey),
    );
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return created;
  }

  async #start(
    sluice: Sluice,
    input: InputSource,
    options: BatchOptions,
    caller: Caller,
    idempotencyKey?: string,
  ): Promise<{ created: Created; replayed: boolean }> {
    const batchId = newBatchId();
    const rejected: RejectedRow[] = [];
    const spec = specOf(this.#home, options, caller);
    const given = options.output;
    const directory = given === undefined ? undefined : await outputOf(this.#home, this.#settings, given);
    const forgetNote = given === undefined ? await noteBegun(this.#home, batchId) : null;
    const submitted = sluice.submit({
      input,
      batchId,
      idempotencyKey,
      output: directory,
      parent: this.#root,
      localFiles: false,
      onRejected: ({ rowNumber, errorType, message }) => {
        if (rejected.length < mostRejected) rejected.push({ row: rowNumber, type: errorType, message });
      },
      format: options.format,
      encoding: options.encoding,
      spec,
    });
    const failed = async (error: unknown): Promise<never> => {
      if (given === undefined) await this.#forget(batchId);
      throw withRows(error, rejected);
    };
    const submission = await submitted.catch(failed).finally(forgetNote);
    const { staged, mode, output, replayed = false } = submission;
    const created: Created = {
      batch_id: submission.batchId,
      status: 'running',
      total: staged.total,
      rejected: staged.rejected,
      rejected_rows: rejected,
      mode,
      estimate_usd: replayed ? null : Number(staged.estimateUsd.toFixed(6)),
      output,
    };
    this.#log.info({ batch_id: created.batch_id, total: created.total, mode, replayed }, 'batch created');
    return { created, replayed };
  }

  /** Removes what a request that failed has left, unless it is a batch after all. */
  async #forget(batchId: string): Promise<void> {
    const directory = join(this.#root, batchId);
    if (!existsSync(join(directory, batchInfoKey))) await rm(directory, { recursive: true, force: true });
  }

  get #root(): string {
    return outputRootOf(this.#home, this.#settings);
  }
}

/** An input of which no row is an item says here which they were: nobody sees the file of them. */
function withRows(error: unknown, rows: readonly RejectedRow[]): unknown {
  return error instanceof SluiceError && error.code === 'NO_VALID_REQUESTS' ? noItems(rows) : error;
}

/** Every row of an input was rejected, for these reasons. */
export function noItems(rows: readonly Pick<RejectedRow, 'row' | 'message'>[]): SluiceError {
  const findings = rows.map(({ row, message }) => ({ field: `row ${String(row)}`, rule: message }));
  return new SluiceError('NO_VALID_REQUESTS', 'No row of the input is a valid item.', {
    action: 'Correct the rows listed in errors.',
    cause: new Findings(findings),
  });
}
