import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';
import { canBeMadeAgain } from '../domain/flow.ts';
import { maxNoteLength } from '../domain/question.ts';
import type { ResultRow } from '../domain/result.ts';
import type { Review } from '../domain/review.ts';
import { openStore } from '../storage/open-store.ts';
import { lastResultOf } from '../storage/results-scan.ts';
import { addReview, readReviews } from '../storage/reviews.ts';
import type { Store } from '../storage/store.ts';
import type { AnsweredItem } from './answer.ts';
import { flowOfBatch } from './batch-flow.ts';
import { BatchHandle } from './batch-handle.ts';
import { readBatchInfo } from './batch-info.ts';
import { notFound } from './errors.ts';
import { retryBatch, type RetryContext } from './retry.ts';
import { takeTurn } from './submit-turn.ts';

/** What a person says of a finished item. */
export interface Verdict {
  decision: Review['decision'];
  /** What to change: said to the model after the prompt when the item is made again. */
  note?: string | undefined;
}

/** A batch that is just closing takes no items; it is asked again so often, this far apart. */
const attempts = 8;
const againMs = 500;

/**
 * Reviews of finished items, whether their flow asks anybody or not. They are kept in the batch's directory. What is
 * rejected is made again: the step that makes the output with another seed, and with the note after its prompt.
 */
export class Reviews {
  readonly #client: Client;
  readonly #context: RetryContext;

  constructor(client: Client, context: RetryContext) {
    this.#client = client;
    this.#context = context;
  }

  /** The latest review of each item, in the order they were given. Throws BATCH_NOT_FOUND. */
  async list(batchId: string): Promise<Review[]> {
    const { store } = await this.#open(batchId);
    const latest = new Map<string, Review>();
    for (const review of await readReviews(store, batchId)) latest.set(review.request_id, review);
    return [...latest.values()];
  }

  /**
   * Records what a person says of the last result of an item. Said again of the same result, the last word holds.
   *
   * @throws SluiceError INVALID_ANSWER, BATCH_NOT_FOUND, ITEM_NOT_FOUND; what `retry` does, and then the review is
   * recorded, and the item made again when it is rejected once more
   */
  async give({ batchId, itemId }: AnsweredItem, { decision, note = '' }: Verdict): Promise<Review> {
    if (note.length > maxNoteLength) {
      throw new SluiceError('INVALID_ANSWER', `note: must have at most ${String(maxNoteLength)} characters`);
    }
    const { batch, store, flowName } = await this.#open(batchId);
    const row = await lastResult(batch, store, itemId);
    if (row?.status !== 'succeeded') throw nothingToReview(itemId, row);
    if (decision === 'reject' && !canBeMadeAgain(await flowOfBatch(store, flowName))) {
      const problem = `What ${flowName} puts out is put together of what its steps made, and no model makes another one.`;
      throw new SluiceError('INVALID_ANSWER', problem, { action: 'Approve it, or change the input and run it anew.' });
    }
    const review: Review = {
      batch_id: batchId,
      request_id: itemId,
      decision,
      note: note.trim() === '' ? null : note.trim(),
      result: row.finished_at,
      at: new Date().toISOString(),
    };
    const turn = await takeTurn(store.uri);
    await addReview(store, review).finally(() => {
      turn.release();
    });
    if (decision === 'reject') await this.#makeAgain(batch, itemId);
    return review;
  }

  async #makeAgain(batch: BatchHandle, itemId: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await retryBatch(this.#client, batch, this.#context, { itemIds: [itemId], select: 'rejected' });
        return;
      } catch (error) {
        const isClosing = error instanceof SluiceError && error.code === 'BATCH_RUNNING';
        if (!isClosing || attempt === attempts) throw error;
        await delay(againMs);
      }
    }
  }

  async #open(batchId: string): Promise<{ batch: BatchHandle; store: Store; flowName: string }> {
    const batch = new BatchHandle(this.#client, batchId);
    const found = await batch.find();
    if (typeof found?.storeUri !== 'string') throw notFound(batchId);
    const store = openStore(found.storeUri);
    const info = await readBatchInfo(store);
    if (info?.batch_id !== batchId) throw notFound(batchId);
    return { batch, store, flowName: info.flow };
  }
}

/** Of a batch that runs, what it has not written yet is newer than what is in parts. */
async function lastResult(batch: BatchHandle, store: Store, itemId: string): Promise<ResultRow | null> {
  const found = await batch.find();
  const recent = found?.state === 'running' ? (await batch.progress(0)).recent : [];
  return recent.findLast((row) => row.request_id === itemId) ?? lastResultOf(store, itemId);
}

function nothingToReview(itemId: string, row: ResultRow | null): SluiceError {
  if (row === null) return new SluiceError('ITEM_NOT_FOUND', `The item ${itemId} has no result.`);
  const action = 'Retry it with: sluice batch retry';
  return new SluiceError('INVALID_ANSWER', `The item ${itemId} has ${row.status}: there is nothing to look at.`, {
    action,
  });
}
