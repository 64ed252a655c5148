import { heartbeat } from '@temporalio/activity';
import { isPlain, outputStep, stepsOf, type Flow } from '../domain/flow.ts';
import { createHashMap } from '../domain/hash-map.ts';
import { parseStagedItem, type StagedItem } from '../domain/item.ts';
import type { ModelsFile } from '../domain/models.ts';
import { redriveChange } from '../domain/redrive-change.ts';
import { itemStatuses, type ItemStatus } from '../domain/result.ts';
import { rejectionsOf } from '../domain/review.ts';
import { addResult, emptyTally } from '../domain/tally.ts';
import { scanResults, statusAt } from '../storage/results-scan.ts';
import { readReviews } from '../storage/reviews.ts';
import { stagedLines } from '../storage/staged-lines.ts';
import type { Store } from '../storage/store.ts';
import { findFinished } from './artifact.ts';
import { createPartWriter } from './part-writer.ts';
import type { OpenRunInput, OpenRunResult } from './types.ts';

/** Items in one part of a redrive's segment. */
const rowsPerPart = 500;

/**
 * Selects the items to run again by the last result of each, and stages them as a segment of their
 * own. Results are looked up by the item's id, because an altered input may have moved it; the result of
 * one that has moved and is done is recorded again at its new place. What people rejected is staged with what
 * they said. Reads results and input as streams; run again with the same prefix it writes the same.
 */
export async function openRun(store: Store, models: ModelsFile, input: OpenRunInput): Promise<OpenRunResult> {
  const change = input.flow === undefined ? undefined : redriveChange(input.selector, input.flow, models);
  const earlier = await readEarlier(store, input.input.total);
  const rejections = rejectionsOf(await readReviews(store, input.batchId));
  const counts = { succeeded: 0, failed: 0, cancelled: 0 };
  const selected = { succeeded: 0, failed: 0, cancelled: 0 };
  const selectedIds: string[] = [];
  let selectedEarlier = 0;
  const segment = createPartWriter(store, input.prefix, 0, rowsPerPart);
  const moved = createPartWriter(store, 'results', earlier.nextPart, rowsPerPart);
  for await (const { line, index } of stagedLines(store, input.input)) {
    const staged = parseStagedItem(line);
    const again = rejections.get(staged?.id ?? '');
    const item = staged === null || again === undefined ? staged : { ...staged, again };
    const own = item === null ? { status: earlier.statusAt(index), sequence: -1 } : earlier.of(item.id);
    if (own.status !== undefined) counts[own.status] += 1;
    // A damaged line is left out: its item was reported when it was first read.
    if (item === null) continue;
    const hasMoved = own.status === 'succeeded' && earlier.lastSequenceAt(index) !== own.sequence;
    if (await isSelected(store, input, item, { ...own, hasMoved }, earlier.codes.get(item.id))) {
      if (own.status !== undefined) selected[own.status] += 1;
      if (own.status === 'succeeded' && own.sequence < (input.fromRow ?? 0)) selectedEarlier += 1;
      if (input.selector.itemIds !== undefined) selectedIds.push(item.id);
      await segment.add(change?.(item, earlier.codes.get(item.id)) ?? item);
    } else if (hasMoved) {
      const row = await findFinished(store, input.batchId, item);
      if (row !== null) await moved.add({ ...row, index });
    }
  }
  await segment.finish();
  await moved.finish();
  return {
    segment: { prefix: input.prefix, total: segment.rows, rowsPerPart },
    tally: earlier.tally,
    ...counts,
    selectedSucceeded: selected.succeeded,
    selectedFailed: selected.failed,
    selectedCancelled: selected.cancelled,
    selectedEarlier,
    ...(input.selector.itemIds === undefined ? {} : { selectedIds }),
    nextPart: moved.nextPart,
    rows: earlier.rows + moved.rows,
  };
}

interface OwnResult {
  status: ItemStatus | undefined;
  /** Number of the item's last row; -1 without one. */
  sequence: number;
}

async function readEarlier(store: Store, total: number) {
  const tally = emptyTally();
  const codes = new Map<string, string>();
  const places = createHashMap();
  const last = await scanResults(store, total, (row, sequence) => {
    addResult(tally, row);
    // Only failures have a code worth keeping: a batch with a million failed items is paused long before.
    if (row.status === 'failed') codes.set(row.request_id, row.error_code ?? 'INTERNAL');
    else codes.delete(row.request_id);
    places.set(row.request_id, sequence * 4 + 1 + itemStatuses.indexOf(row.status));
    if (sequence % 1_000 === 0) heartbeat();
  });
  return {
    tally,
    codes,
    rows: last.rows,
    nextPart: last.nextPart,
    statusAt: (index: number) => statusAt(last, index),
    lastSequenceAt: (index: number) => last.sequence[index],
    of(itemId: string): OwnResult {
      const place = places.get(itemId);
      if (place === undefined) return { status: undefined, sequence: -1 };
      return { status: itemStatuses[(place % 4) - 1], sequence: Math.floor(place / 4) };
    },
  };
}

async function isSelected(
  store: Store,
  { selector, batchId, flow, fromRow = 0 }: OpenRunInput,
  item: StagedItem,
  { status, sequence, hasMoved }: OwnResult & { hasMoved: boolean },
  code: string | undefined,
): Promise<boolean> {
  if (selector.itemIds !== undefined && !selector.itemIds.includes(item.id)) return false;
  if (selector.codes !== undefined && !(status === 'failed' && selector.codes.includes(code ?? ''))) return false;
  if (selector.select === 'rejected') {
    if (status !== 'succeeded' || item.again === undefined || flow === undefined) return false;
    return (await findFinished(store, batchId, withOutputOf(flow, item))) === null;
  }
  if (status === 'failed') return sequence >= fromRow;
  if (selector.select === 'failed') return false;
  if (status !== 'succeeded' || flow === undefined || isPlain(flow)) {
    return status !== 'succeeded' || (await findFinished(store, batchId, item)) === null;
  }
  // The file of the last step does not know what the others cost. To run such an item again costs nothing
  // where its steps have their records.
  return hasMoved || (await findFinished(store, batchId, withOutputOf(flow, item))) === null;
}

/** The item with the files of the flow's output, and not of other steps. */
function withOutputOf(flow: Flow, item: StagedItem): StagedItem {
  const output = stepsOf(flow).find(({ id }) => id === outputStep(flow));
  const { comfy: _comfy, ...others } = item;
  return output?.uses === 'comfy' ? item : others;
}
