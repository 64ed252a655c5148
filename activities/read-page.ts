import { createHash } from 'node:crypto';
import { SluiceError } from '../domain/errors.ts';
import { parseStagedItem, type ItemRef, type StagedItem } from '../domain/item.ts';
import { partKey } from '../domain/part-key.ts';
import { roundSeed } from '../domain/round-seed.ts';
import type { Store } from '../storage/store.ts';
import type { ReadPageInput } from './types.ts';

/**
 * Reads one part of staged items and returns where each line lies. A line that is damaged or missing
 * becomes a reference all the same: its item fails with INPUT_CORRUPT when it is read, and the others
 * go on.
 */
export async function readPage(store: Store, { segment, part }: ReadPageInput): Promise<ItemRef[]> {
  const key = partKey(segment.prefix, part);
  const bytes = await store.get(key);
  if (bytes === null) throw new SluiceError('STORAGE_ERROR', `The staged input ${key} is missing.`);
  const first = part * segment.rowsPerPart;
  const expected = Math.min(segment.rowsPerPart, segment.total - first);
  const refs: ItemRef[] = [];
  let offset = 0;
  for (let line = 0; line < expected; line++) {
    const end = bytes.indexOf(0x0a, offset);
    const stop = end < 0 ? bytes.length : end;
    refs.push(refOf(parseLine(bytes.subarray(offset, stop)), key, offset, stop - offset, first + line));
    offset = end < 0 ? bytes.length : end + 1;
  }
  return refs;
}

/**
 * Reads one item by its reference. Throws INPUT_CORRUPT when the line is not what was staged, STORAGE_ERROR
 * when its whole part is gone: that is not the item's fault.
 */
export async function readItem(store: Store, ref: ItemRef): Promise<StagedItem> {
  const bytes = await store.getRange(ref.part, ref.offset, ref.length);
  if (bytes === null) throw new SluiceError('STORAGE_ERROR', `The staged input ${ref.part} is missing.`);
  const item = parseLine(bytes);
  if (item?.id !== ref.id || !item.hash.startsWith(ref.hash)) {
    throw new SluiceError('INPUT_CORRUPT', `The staged item ${ref.id} in ${ref.part} is damaged or missing.`);
  }
  return item;
}

function parseLine(bytes: Uint8Array): StagedItem | null {
  // Damaged is an answer here: the item is reported by name, see readItem.
  return parseStagedItem(Buffer.from(bytes).toString('utf8'));
}

function refOf(item: StagedItem | null, part: string, offset: number, length: number, place: number): ItemRef {
  if (item === null) {
    const id = `damaged-${createHash('sha256')
      .update(`${part}:${String(place)}`)
      .digest('hex')
      .slice(0, 8)}`;
    // Only the input's own parts hold one line per place; of a redrive's line the item is not known.
    const index = part.startsWith('input/part-') ? place : -1;
    return { index, id, part, offset, length, label: id, provider: '', model: '', estimateUsd: 0, seed: 0, hash: '' };
  }
  const { index, id, provider, model, media, models, providers, name: label, estimateUsd, seed } = item;
  return {
    ...{ index, id, part, offset, length, provider, model },
    ...(media === undefined ? {} : { media }),
    ...(models === undefined ? {} : { models }),
    ...(providers === undefined ? {} : { providers }),
    ...{ label, estimateUsd, seed: roundSeed(seed, 0, item.again?.times) },
    hash: item.hash.slice(0, 16),
  };
}
