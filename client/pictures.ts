import type { ResultRow } from '../domain/result.ts';
import { readRows } from '../storage/results-scan.ts';
import type { Store } from '../storage/store.ts';

/**
 * Counts the pictures of a batch by its results, those of items that failed in the end included: an item of
 * sprites makes several, and a result says how many.
 *
 * @param unwritten results that are in no part yet, and the sequence number of the first of them
 */
export async function countPictures(
  store: Store,
  unwritten: { recent: readonly ResultRow[]; recentFrom: number } = { recent: [], recentFrom: Infinity },
): Promise<number> {
  let pictures = 0;
  for await (const { row, sequence } of readRows(store)) {
    // Parts may have been added since the answer; their rows are in `recent` already.
    if (sequence >= unwritten.recentFrom) break;
    pictures += row?.images ?? 0;
  }
  return unwritten.recent.reduce((sum, { images }) => sum + images, pictures);
}

/** The same of the items that ended since a time, milliseconds since the epoch. */
export async function countPicturesSince(store: Store, sinceMs: number): Promise<number> {
  let pictures = 0;
  for await (const { row } of readRows(store)) {
    if (row !== null && Date.parse(row.finished_at) >= sinceMs) pictures += row.images;
  }
  return pictures;
}
