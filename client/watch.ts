import { setTimeout as delay } from 'node:timers/promises';
import type { BatchProgress, BatchSummary } from '../domain/batch.ts';
import { SluiceError } from '../domain/errors.ts';
import type { ResultRow } from '../domain/result.ts';
import { openStore } from '../storage/open-store.ts';
import { readRows } from '../storage/results-scan.ts';
import type { BatchHandle } from './batch-handle.ts';
import { notFound } from './errors.ts';

export interface WatchOptions {
  signal?: AbortSignal | undefined;
  /** Sequence number of the first result wanted; `now`: only those from now on. @default 0 */
  fromRow?: number | 'now' | undefined;
  /** How often the batch is asked, milliseconds. @default 250 */
  intervalMs?: number | undefined;
  /** Called with every answer, also those without new results. */
  onProgress?: ((progress: BatchProgress) => void) | undefined;
  /** How long an engine that does not answer is waited for, milliseconds. @default 60000 */
  patienceMs?: number | undefined;
}

/**
 * Results of a batch as they complete, each once, in the order they were recorded; returns the summary
 * when the batch has closed. Breaking off the iteration leaves the batch as it is.
 *
 * @throws SluiceError BATCH_NOT_FOUND; ENGINE_UNAVAILABLE when nobody answers for `patienceMs`
 */
export async function* watchBatch(
  handle: BatchHandle,
  options: WatchOptions = {},
): AsyncGenerator<ResultRow, BatchSummary | null> {
  const rows = followBatch(handle, options);
  try {
    for (;;) {
      const next = await rows.next();
      if (next.done === true) return next.value;
      yield next.value.row;
    }
  } finally {
    await rows.return(null);
  }
}

/** A result and its number among all results of the batch, by which a reader can go on later. */
export interface SequencedRow {
  row: ResultRow;
  sequence: number;
}

/** The same with the number of each result. */
export async function* followBatch(
  handle: BatchHandle,
  options: WatchOptions = {},
): AsyncGenerator<SequencedRow, BatchSummary | null> {
  // What was asked for the sake of this iteration ends with it, however it ends.
  const left = new AbortController();
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([left.signal, options.signal]);
  try {
    return yield* follow(handle, { ...options, signal });
  } finally {
    left.abort();
  }
}

async function* follow(
  handle: BatchHandle,
  options: WatchOptions & { signal: AbortSignal },
): AsyncGenerator<SequencedRow, BatchSummary | null> {
  const { signal, intervalMs = 250, onProgress, patienceMs = 60_000 } = options;
  let next = options.fromRow ?? 0;
  const nap = createNap(handle, signal);
  let silentSince: number | null = null;
  for (;;) {
    signal.throwIfAborted();
    let found: Awaited<ReturnType<BatchHandle['find']>>;
    let progress: BatchProgress | null = null;
    let summary: BatchSummary | null = null;
    try {
      found = await handle.find();
      if (found?.state === 'running') progress = await handle.progress(next === 'now' ? undefined : next);
      if (found?.state === 'completed') summary = await handle.summary();
      silentSince = null;
    } catch (error) {
      // The engine restarts what dies; a watcher outlives that.
      silentSince ??= Date.now();
      if (!(error instanceof SluiceError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
      if (Date.now() - silentSince > patienceMs) throw error;
      await nap(intervalMs);
      continue;
    }
    if (found === null) throw notFound(handle.batchId);
    if (progress !== null) {
      onProgress?.(progress);
      if (next === 'now') next = progress.recentFrom;
      if (next < progress.recentFrom) {
        yield* storedRows(progress.storeUri, next, progress.recentFrom);
        next = progress.recentFrom;
      }
      for (const row of progress.recent) {
        yield { row, sequence: next };
        next += 1;
      }
      await nap(intervalMs);
      continue;
    }
    if (found.storeUri !== null && next !== 'now') yield* storedRows(found.storeUri, next, Infinity);
    return summary;
  }
}

/** Waits between two questions; the end of the batch cuts the wait short, once. */
function createNap(handle: BatchHandle, signal: AbortSignal): (ms: number) => Promise<void> {
  const closed = new AbortController();
  let wake = AbortSignal.any([closed.signal, signal]);
  void handle.whenClosed(signal).then(() => {
    closed.abort();
  });
  return async (ms) => {
    try {
      await delay(ms, undefined, { signal: wake });
    } catch (error) {
      if (signal.aborted) throw error;
      wake = signal;
    }
  };
}

/** Results of a batch that are in parts. Throws BATCH_NOT_FOUND. */
export async function* storedRowsOf(batch: BatchHandle, from: number, to: number): AsyncGenerator<SequencedRow> {
  const found = await batch.find();
  if (typeof found?.storeUri !== 'string') throw notFound(batch.batchId);
  yield* storedRows(found.storeUri, from, to);
}

/** Results that are in parts, from one number up to another. */
async function* storedRows(storeUri: string, from: number, to: number): AsyncGenerator<SequencedRow> {
  for await (const { row, sequence } of readRows(openStore(storeUri), from)) {
    if (sequence >= to) return;
    if (row !== null && sequence >= from) yield { row, sequence };
  }
}
