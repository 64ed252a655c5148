import { batchInfoKey } from '../domain/batch-info.ts';
import { SluiceError } from '../domain/errors.ts';
import { manifestKey, manifestSchema, type Manifest } from '../domain/manifest.ts';
import { partKey } from '../domain/part-key.ts';
import type { ItemStatus } from '../domain/result.ts';
import type { Store } from '../storage/store.ts';
import type { WriteResultsInput } from './types.ts';

/** Writes one part of results and enters it in the manifest. Written again, it changes nothing. */
export async function writeResults(store: Store, input: WriteResultsInput): Promise<void> {
  // A directory that was moved away is not made anew elsewhere.
  if ((await store.stat(batchInfoKey)) === null) {
    throw new SluiceError('STORAGE_ERROR', `${store.uri} does not hold the batch any more.`);
  }
  const key = partKey('results', input.part);
  await store.put(key, input.rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const count = (status: ItemStatus): number => input.rows.filter((row) => row.status === status).length;
  await updateManifest(store, input, (manifest) => {
    for (const status of ['succeeded', 'failed', 'cancelled'] as const) {
      const others = manifest[status].filter((part) => part.key !== key);
      manifest[status] = count(status) === 0 ? others : [...others, { key, rows: count(status) }];
    }
  });
}

/** Reads, changes and writes the manifest. Only one activity of a batch does so at a time. */
export async function updateManifest(
  store: Store,
  state: { batchId: string; status: string; finished: number; total: number },
  change: (manifest: Manifest) => void,
): Promise<void> {
  const manifest = (await readManifest(store, state.batchId)) ?? {
    version: 1,
    batch_id: state.batchId,
    status: state.status,
    total: state.total,
    finished: 0,
    pending: state.total,
    succeeded: [],
    failed: [],
    cancelled: [],
  };
  manifest.status = state.status;
  manifest.total = state.total;
  manifest.finished = state.finished;
  manifest.pending = state.total - state.finished;
  change(manifest);
  await store.put(manifestKey, `${JSON.stringify(manifest, null, 2)}\n`);
}

async function readManifest(store: Store, batchId: string): Promise<Manifest | null> {
  const bytes = await store.get(manifestKey);
  if (bytes === null) return null;
  try {
    const manifest = manifestSchema.parse(JSON.parse(bytes.toString('utf8')));
    return manifest.batch_id === batchId ? manifest : null;
  } catch {
    // A damaged manifest is made anew from here on; the parts themselves are the record.
    return null;
  }
}
