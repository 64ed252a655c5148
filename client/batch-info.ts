import { batchInfoKey, batchInfoSchema, type BatchInfo } from '../domain/batch-info.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Store } from '../storage/store.ts';

/** What a directory says of itself; null if it holds no batch. Throws STORAGE_ERROR when that is damaged. */
export async function readBatchInfo(store: Store): Promise<BatchInfo | null> {
  const bytes = await store.get(batchInfoKey);
  if (bytes === null) return null;
  try {
    return batchInfoSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new SluiceError('STORAGE_ERROR', `${batchInfoKey} in ${store.uri} is damaged.`, {
      action: 'Restore it, choose another directory with -o, or remove this one yourself.',
      cause,
    });
  }
}

export async function writeBatchInfo(store: Store, info: BatchInfo): Promise<void> {
  await store.put(batchInfoKey, `${JSON.stringify(info, null, 2)}\n`);
}
