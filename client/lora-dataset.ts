import { createHash } from 'node:crypto';
import { basename, extname, join, resolve } from 'node:path';
import { SluiceError } from '../domain/errors.ts';
import { parseSidecar, sidecarPrefix } from '../domain/sidecar.ts';
import { openStore } from '../storage/open-store.ts';
import type { Store } from '../storage/store.ts';
import type { BatchHandle } from './batch-handle.ts';
import { notFound } from './errors.ts';
import { makeDirectory, storeUriOf } from './output-directory.ts';

export interface LoraDatasetOptions {
  /** Gets a folder `<repeats>_<concept>`; may hold other concepts. */
  directory: string;
  /** What is learnt, one word. @default 'sprite' */
  concept?: string | undefined;
  /** How often the trainer goes over each picture in an epoch. @default 10 */
  repeats?: number | undefined;
  /** Put before every caption, so that the trained LoRA answers to it. @default none */
  trigger?: string | undefined;
}

export interface LoraDataset {
  /** Absolute path of the folder with the pictures. */
  folder: string;
  pictures: number;
  /** Pictures whose file is gone or is not what was made; left out. */
  left_out: number;
}

/**
 * Hands a batch's pictures over to LoRA training: a folder as kohya's trainers read it, each picture with its
 * prompt as caption in a `.txt` of the same name. May be done while the batch runs, and again: what is there
 * is not written twice.
 *
 * @see https://github.com/kohya-ss/sd-scripts/blob/main/docs/train_README-en.md
 * @throws SluiceError BATCH_NOT_FOUND; USAGE when there is no picture; OUTPUT_NOT_WRITABLE, STORAGE_*
 */
export async function writeLoraDataset(batch: BatchHandle, options: LoraDatasetOptions): Promise<LoraDataset> {
  const { concept = 'sprite', repeats = 10, trigger } = options;
  if (!/^[\p{L}\p{N}][\p{L}\p{N} _-]{0,99}$/u.test(concept)) {
    throw new SluiceError('USAGE', `concept: must be letters, digits, spaces, "_" and "-" (got "${concept}").`);
  }
  const found = await batch.find();
  if (typeof found?.storeUri !== 'string') throw notFound(batch.batchId);
  const folder = resolve(join(options.directory, `${String(repeats)}_${concept}`));
  const undo = await makeDirectory(storeUriOf(folder));
  const dataset: LoraDataset = { folder, pictures: 0, left_out: 0 };
  const from = openStore(found.storeUri);
  const to = openStore(storeUriOf(folder));
  for await (const { key } of from.list(sidecarPrefix)) {
    const text = (await from.get(key))?.toString('utf8') ?? '';
    const sidecar = parseSidecar(text);
    if (sidecar?.batch_id !== batch.batchId || !sidecar.file.mime_type.startsWith('image/')) continue;
    const caption = [trigger, sidecar.prompt].filter((part) => part !== undefined && part !== '').join(', ');
    const copied = await copyPicture(from, to, sidecar.file, `${caption}\n`);
    if (copied) dataset.pictures += 1;
    else dataset.left_out += 1;
  }
  if (dataset.pictures > 0) return dataset;
  await undo();
  throw new SluiceError('USAGE', `Batch ${batch.batchId} has no pictures.`, {
    action: 'Wait until some are made: sluice batch status',
  });
}

/** Caption first: a picture without one would be trained on without words. */
async function copyPicture(
  from: Store,
  to: Store,
  { path, bytes, sha256 }: { path: string; bytes: number; sha256: string },
  caption: string,
): Promise<boolean> {
  const name = basename(path);
  const data = await from.get(path);
  if (data?.byteLength !== bytes || createHash('sha256').update(data).digest('hex') !== sha256) return false;
  await to.put(`${name.slice(0, -extname(name).length)}.txt`, caption);
  if ((await to.stat(name))?.size !== bytes) await to.put(name, data);
  return true;
}
