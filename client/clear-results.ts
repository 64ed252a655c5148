import type { Store } from '../storage/store.ts';
import { recordFiles } from './own-files.ts';

/** Removes what a batch's runs wrote about themselves, so that a new batch can have the directory. Files it made stay. */
export async function clearResults(store: Store): Promise<void> {
  for await (const { key } of recordFiles(store)) await store.delete(key);
}
