import { Injectable } from '@nestjs/common';
import type { BatchDetail } from '../../client/batch-detail.ts';
import type { Sluice } from '../../client/sluice.ts';

/** What is known of a batch counts as new for this long, milliseconds. */
const newMs = 1_000;
/** Something older is looked at again, and the answer waited for: the longer, the older it is, as a share of its age. */
const patience = 1 / 40;
/** What is older than this is told to nobody, milliseconds. */
const oldestMs = 10_000;
/** Batches remembered. */
const mostKept = 500;

/** How a batch stood, and when that was. */
export interface Standing {
  detail: BatchDetail;
  ageMs: number;
}

/**
 * How batches stand, asked once for all who want to know at the same time: a batch answers by one of its workers,
 * which may have much to do.
 */
@Injectable()
export class Standings {
  readonly #known = new Map<string, { detail: BatchDetail; at: number }>();
  readonly #asked = new Map<string, Promise<BatchDetail>>();

  /** As it stood a second ago at most; under load, some seconds. @throws SluiceError BATCH_NOT_FOUND */
  async of(sluice: Sluice, batchId: string): Promise<Standing> {
    const known = this.#known.get(batchId);
    const ageMs = known === undefined ? Infinity : Date.now() - known.at;
    if (known !== undefined && ageMs < newMs) {
      if (ageMs > newMs / 3) this.fresh(sluice, batchId).catch(() => undefined);
      return { detail: known.detail, ageMs };
    }
    const fresh = this.fresh(sluice, batchId).then((detail) => ({ detail, ageMs: 0 }));
    if (known === undefined || ageMs > oldestMs) return await fresh;
    const { promise: late, resolve } = Promise.withResolvers<Standing>();
    const timer = setTimeout(() => {
      resolve({ detail: known.detail, ageMs });
    }, ageMs * patience);
    // One that comes too late must not end the process if it fails.
    fresh.catch(() => undefined);
    return await Promise.race([fresh, late]).finally(() => {
      clearTimeout(timer);
    });
  }

  /** As it stands now. @throws SluiceError BATCH_NOT_FOUND */
  async fresh(sluice: Sluice, batchId: string): Promise<BatchDetail> {
    const present = this.#asked.get(batchId);
    if (present !== undefined) return await present;
    const asked = sluice.detail(batchId);
    this.#asked.set(batchId, asked);
    try {
      const detail = await asked;
      if (this.#asked.get(batchId) === asked) this.#keep(batchId, detail);
      return detail;
    } finally {
      if (this.#asked.get(batchId) === asked) this.#asked.delete(batchId);
    }
  }

  /** Something was done to it: what is known, or is being asked, no longer holds. */
  forget(batchId: string): void {
    this.#known.delete(batchId);
    this.#asked.delete(batchId);
  }

  #keep(batchId: string, detail: BatchDetail): void {
    this.#known.delete(batchId);
    this.#known.set(batchId, { detail, at: Date.now() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKept && oldest !== undefined) this.#known.delete(oldest);
  }
}
