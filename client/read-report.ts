import { openStore } from '../storage/open-store.ts';
import type { BatchHandle } from './batch-handle.ts';
import { notFound } from './errors.ts';

/** The Markdown report of a closed batch; null while there is none. Throws BATCH_NOT_FOUND. */
export async function readReport(batch: BatchHandle): Promise<string | null> {
  const found = await batch.find();
  if (typeof found?.storeUri !== 'string') throw notFound(batch.batchId);
  // What is there while a batch runs again is the report of the run before.
  if (found.state === 'running') return null;
  return (await openStore(found.storeUri).get('report.md'))?.toString('utf8') ?? null;
}
