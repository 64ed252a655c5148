import { isAbsolute, join, normalize } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ApiSettings } from '../../client/api-settings.ts';
import { loadConfig } from '../../client/config.ts';
import type { InputSource } from '../../client/input/source.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/role.ts';
import { EngineLink } from '../engine-link.ts';
import { homeToken, settingsToken } from '../tokens.ts';
import { toSpec } from './options.ts';
import type { BatchOptions, CreateBody } from './schemas.ts';
import { readUpload } from './upload.ts';

/** Starts batches from inline items or an uploaded file. */
@Injectable()
export class CreateBatch {
  readonly #engine: EngineLink;
  readonly #settings: ApiSettings;
  readonly #home: string;

  constructor(
    @Inject(EngineLink) engine: EngineLink,
    @Inject(settingsToken) settings: ApiSettings,
    @Inject(homeToken) home: string,
  ) {
    this.#engine = engine;
    this.#settings = settings;
    this.#home = home;
  }

  /** @param body absent where the request is an upload */
  async create(request: FastifyRequest, body: CreateBody | undefined, caller: Caller) {
    if (!request.isMultipart()) {
      const { items = [], url: _url, ...options } = body ?? {};
      return await this.#submit(inlineItems(items), { ...options, format: 'jsonl' }, caller);
    }
    const { options, file } = await readUpload(request, this.#settings.max_upload_bytes);
    return await this.#submit({ stream: file }, options, caller);
  }

  async #submit(input: InputSource, options: BatchOptions, caller: Caller) {
    const sluice = await this.#engine.forSubmission();
    const config = loadConfig({ cwd: this.#home, home: this.#home, env: {}, notice: () => undefined });
    const project = caller.project ?? options.project;
    const { batchId, staged, mode, output } = await sluice.submit({
      input,
      output: options.output === undefined ? undefined : this.#outputOf(options.output),
      parent: this.#root,
      format: options.format,
      encoding: options.encoding,
      spec: toSpec({ ...options, project }, config),
    });
    return {
      batch_id: batchId,
      status: 'running' as const,
      total: staged.total,
      rejected: staged.rejected,
      mode,
      estimate_usd: Number(staged.estimateUsd.toFixed(6)),
      output,
    };
  }

  get #root(): string {
    return this.#settings.output_root ?? join(this.#home, 'batches');
  }

  #outputOf(output: string): string {
    const path = normalize(output);
    if (
      isAbsolute(path) ||
      path.split(/[\\/]/).includes('..') ||
      /^[a-z][a-z0-9+]*:/i.test(output) ||
      path.includes('\0')
    ) {
      throw new SluiceError('OUTPUT_OUTSIDE', 'output: must be a path below the directory batches are written to.');
    }
    return join(this.#root, path);
  }
}

function inlineItems(items: readonly unknown[]): InputSource {
  return { stream: lines(items) };
}

/** One after the other, so that the text of all of them never exists at once. */
async function* lines(items: readonly unknown[]): AsyncGenerator<string> {
  for (const item of items) yield await Promise.resolve(`${JSON.stringify(item)}\n`);
}
