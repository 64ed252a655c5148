import { manifestKey } from '../domain/manifest.ts';
import type { Store } from '../storage/store.ts';

/** Removes what a batch's runs wrote about themselves, so that a new batch can have the directory. Files it made stay. */
export async function clearResults(store: Store): Promise<void> {
  for (const prefix of ['results/', 'input/']) {
    for await (const { key } of store.list(prefix)) await store.delete(key);
  }
  for (const key of [manifestKey, 'results.jsonl', 'report.md']) await store.delete(key);
}
