import { createHash } from 'node:crypto';
import { artifactNames } from '../domain/item.ts';
import type { ResultRow } from '../domain/result.ts';
import { parseSidecar, sidecarKey, type Sidecar } from '../domain/sidecar.ts';
import type { Store } from '../storage/store.ts';
import type { StepItem } from './attempt.ts';

const extensions: Readonly<Record<string, string>> = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' };

/**
 * A finished file in storage is two objects: `metadata/<name>.json`, written first, and
 * `images/<name>.<ext>`, whose appearance is the commit. An attempt that finds both of all its files, made
 * from the same input in the same batch, returns the recorded row and calls nobody.
 *
 * @returns the row of a finished item, or null
 */
export async function findFinished(
  store: Store,
  batchId: string,
  item: Pick<StepItem, 'id' | 'name' | 'hash' | 'comfy' | 'again' | 'requestHash'>,
): Promise<ResultRow | null> {
  let row: ResultRow | null = null;
  for (const name of artifactNames(item)) {
    row = await findFinishedFile(store, batchId, item, name);
    if (row === null) return null;
  }
  return row;
}

/** The row as it was when one of an item's files was finished, or null. */
async function findFinishedFile(
  store: Store,
  batchId: string,
  item: Pick<StepItem, 'id' | 'hash' | 'again' | 'requestHash'>,
  name: string,
): Promise<ResultRow | null> {
  const sidecar = await readOwnSidecar(store, batchId, item, name);
  return sidecar !== null && (await isWhole(store, sidecar)) ? sidecar.result : null;
}

/** The record of a file if it was made from this input in this batch; the file itself may be gone. */
export async function readOwnSidecar(
  store: Store,
  batchId: string,
  item: Pick<StepItem, 'id' | 'hash' | 'again' | 'requestHash'>,
  name: string,
): Promise<Sidecar | null> {
  const bytes = await store.get(sidecarKey(name));
  if (bytes === null) return null;
  const sidecar = parseSidecar(bytes.toString('utf8'));
  const isOwn = sidecar?.batch_id === batchId && sidecar.item_id === item.id && sidecar.hash === item.hash;
  // What was made before the last rejection does not count.
  if (!isOwn || (sidecar.again ?? 0) < (item.again?.times ?? 0)) return null;
  return (item.requestHash ?? sidecar.request_hash) === sidecar.request_hash ? sidecar : null;
}

/** Whether the file of a record is there. */
export async function isWhole(store: Store, { file }: Sidecar): Promise<boolean> {
  return (await store.stat(file.path))?.size === file.bytes;
}

export interface MadeFile {
  path: string;
  mimeType: string;
  data: Uint8Array;
}

export function imageFile(name: string, image: { mimeType: string; data: Uint8Array }): MadeFile {
  const { mimeType, data } = image;
  return { path: `images/${name}.${extensions[mimeType] ?? 'bin'}`, mimeType, data };
}

/**
 * Writes sidecar, then image. `facts` is what else is needed to make the file again.
 *
 * @param item `name` and `seed` are those of this file
 */
export async function writeArtifact(
  store: Store,
  item: StepItem,
  file: MadeFile,
  row: ResultRow,
  facts: Record<string, unknown>,
): Promise<void> {
  const sidecar = {
    item_id: item.id,
    row: item.row,
    prompt: item.prompt,
    negative_prompt: item.negativePrompt ?? null,
    seed: item.seed,
    quality: item.quality,
    aspect_ratio: item.aspectRatio,
    from_image: item.fromImage ?? null,
    provider: item.provider,
    model: item.model,
    fields: item.fields ?? {},
    hash: item.hash,
    ...(item.requestHash === undefined ? {} : { request_hash: item.requestHash }),
    ...(item.again === undefined ? {} : { again: item.again.times, notes: item.again.notes }),
    ...facts,
    file: {
      path: file.path,
      bytes: file.data.byteLength,
      sha256: createHash('sha256').update(file.data).digest('hex'),
      mime_type: file.mimeType,
    },
    result: row,
  };
  const rejected = item.again === undefined ? null : await store.get(sidecarKey(item.name));
  await store.put(sidecarKey(item.name), `${JSON.stringify(sidecar, null, 2)}\n`);
  await store.put(file.path, file.data);
  // A file takes the place of the one that was rejected, also where a seed in its name makes it another one.
  const earlier = rejected === null ? null : parseSidecar(rejected.toString('utf8'));
  if (earlier?.item_id === item.id && earlier.file.path !== file.path) await store.delete(earlier.file.path);
}
