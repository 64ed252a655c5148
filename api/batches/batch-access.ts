import { Inject, Injectable } from '@nestjs/common';
import { notFound } from '../../client/errors.ts';
import type { FoundBatch } from '../../client/batch-handle.ts';
import type { Sluice } from '../../client/sluice.ts';
import type { Caller } from '../../domain/role.ts';
import { EngineLink } from '../engine-link.ts';

/** The way to a batch: what a caller may not see is not there. */
@Injectable()
export class BatchAccess {
  readonly #engine: EngineLink;

  constructor(@Inject(EngineLink) engine: EngineLink) {
    this.#engine = engine;
  }

  sluice(): Promise<Sluice> {
    return this.#engine.sluice();
  }

  /** For what concerns one batch. @throws SluiceError BATCH_NOT_FOUND, ENGINE_UNAVAILABLE */
  async of(batchId: string, caller: Caller): Promise<Sluice> {
    const sluice = await this.sluice();
    // Who sees all batches is told of one that is not there by what he asked for.
    if (caller.project !== null) await this.find(batchId, caller);
    return sluice;
  }

  /** @throws SluiceError BATCH_NOT_FOUND, ENGINE_UNAVAILABLE */
  async find(batchId: string, caller: Caller): Promise<FoundBatch & { storeUri: string }> {
    const sluice = await this.sluice();
    const found = await sluice.find(batchId);
    if (typeof found?.storeUri !== 'string') throw notFound(batchId);
    if (caller.project !== null && caller.project !== found.project) throw notFound(batchId);
    return { ...found, storeUri: found.storeUri };
  }
}
