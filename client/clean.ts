import type { Client } from '@temporalio/client';
import { batchInfoKey, type BatchInfo } from '../domain/batch-info.ts';
import { SluiceError } from '../domain/errors.ts';
import { openStore } from '../storage/open-store.ts';
import { pruneDirectory } from '../storage/prune-directory.ts';
import type { Store } from '../storage/store.ts';
import { readBatchInfo } from './batch-info.ts';
import { listBatches } from './list.ts';
import { rejectedName, storeUriOf } from './output-directory.ts';
import { artifactFiles, recordFiles } from './own-files.ts';

export interface CleanOptions {
  /** Only batches closed at least this long ago, milliseconds. */
  olderThanMs: number;
  /** Only tell what would be removed. @default false */
  dryRun?: boolean | undefined;
}

export interface CleanedBatch {
  batch_id: string;
  output: string;
  closed_at: string;
  /** Files removed, or to be removed. */
  files: number;
  bytes: number;
  /** The directory went too; it stays while it holds anything that is not the batch's. */
  directory_removed: boolean;
  /** Why the batch could not be cleaned, or not to its end; the clean-up goes on with the others. */
  error: SluiceError | null;
}

/**
 * Removes the files of batches that have closed: what their runs wrote about themselves, the files their
 * sidecars name, and directories that are empty then. Anything else in them stays, as does a directory
 * that belongs to another batch by now. The engine's own record of the batch stays for its retention time.
 */
export async function* cleanBatches(client: Client, options: CleanOptions): AsyncGenerator<CleanedBatch> {
  const before = Date.now() - options.olderThanMs;
  const dryRun = options.dryRun === true;
  for await (const { batch_id, output, closed_at } of listBatches(client)) {
    if (closed_at === null || Date.parse(closed_at) > before || output === '') continue;
    const cleaned = { batch_id, output, closed_at, files: 0, bytes: 0, directory_removed: false, error: null };
    const problem = await cleanBatch(cleaned, dryRun).catch(problemOf);
    if (problem !== 'not there') yield { ...cleaned, error: problem };
  }
}

/** Counts in `cleaned` what it removes, so that it is known when an error ends it. */
async function cleanBatch(cleaned: CleanedBatch, dryRun: boolean): Promise<'not there' | null> {
  const store = openStore(storeUriOf(cleaned.output));
  const info = await readBatchInfo(store);
  if (info?.batch_id !== cleaned.batch_id) return 'not there';
  for await (const { key, size } of batchFiles(store, info)) {
    if (!dryRun) await store.delete(key);
    cleaned.files += 1;
    cleaned.bytes += size;
  }
  if (!dryRun) cleaned.directory_removed = await pruneDirectory(store.uri, { root: true });
  return null;
}

/** What is wrong with one batch's directory; any other error is a defect and ends the clean-up. */
function problemOf(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  throw error;
}

/** `batch_info.json` is the last, so that a clean-up that was cut off can be done again. */
async function* batchFiles(store: Store, info: BatchInfo): AsyncGenerator<{ key: string; size: number }> {
  yield* artifactFiles(store, info.batch_id);
  yield* recordFiles(store);
  for (const key of [rejectedName(info.input.name), batchInfoKey]) {
    const found = await store.stat(key);
    if (found !== null) yield { key, size: found.size };
  }
}
