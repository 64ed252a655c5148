import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { heartbeat } from '@temporalio/activity';
import { stagedItemSchema, type StagedItem } from '../domain/item.ts';
import { partKey } from '../domain/part-key.ts';
import type { ResultRow } from '../domain/result.ts';
import { addResult, emptyTally } from '../domain/tally.ts';
import type { Store } from '../storage/store.ts';
import { findFinished } from './artifact.ts';
import { countStatus, scanResults, statusAt } from '../storage/results-scan.ts';
import type { OpenRunInput, OpenRunResult } from './types.ts';

/** Items in one part of a redrive's segment. */
const rowsPerPart = 500;

/**
 * Selects the items to run again by the last result of each, and stages them as a segment of their
 * own. Reads results and input as streams; run again with the same prefix it writes the same.
 */
export async function openRun(store: Store, input: OpenRunInput): Promise<OpenRunResult> {
  const tally = emptyTally();
  const codes = new Map<number, string>();
  const last = await scanResults(store, input.input.total, (row, sequence) => {
    addResult(tally, row);
    noteCode(codes, row);
    if (sequence % 1_000 === 0) heartbeat();
  });
  const result: OpenRunResult = {
    segment: { prefix: input.prefix, total: 0, rowsPerPart },
    tally,
    succeeded: countStatus(last, 'succeeded'),
    failed: countStatus(last, 'failed'),
    cancelled: countStatus(last, 'cancelled'),
    selectedSucceeded: 0,
    selectedFailed: 0,
    selectedCancelled: 0,
    nextPart: last.nextPart,
    rows: last.rows,
  };
  let lines: string[] = [];
  const writePart = async (): Promise<void> => {
    if (lines.length === 0) return;
    await store.put(partKey(input.prefix, Math.floor((result.segment.total - 1) / rowsPerPart)), lines.join(''));
    lines = [];
    heartbeat();
  };
  for await (const item of stagedItems(store, input.input)) {
    const status = statusAt(last, item.index);
    if (!(await isSelected(store, input, item, status, codes.get(item.index)))) continue;
    result.segment.total += 1;
    if (status === 'succeeded') result.selectedSucceeded += 1;
    if (status === 'failed') result.selectedFailed += 1;
    if (status === 'cancelled') result.selectedCancelled += 1;
    lines.push(`${JSON.stringify(item)}\n`);
    if (lines.length === rowsPerPart) await writePart();
  }
  await writePart();
  return result;
}

async function isSelected(
  store: Store,
  { selector, batchId }: OpenRunInput,
  item: StagedItem,
  status: ResultRow['status'] | undefined,
  code: string | undefined,
): Promise<boolean> {
  if (selector.itemIds !== undefined && !selector.itemIds.includes(item.id)) return false;
  if (selector.codes !== undefined) return status === 'failed' && selector.codes.includes(code ?? '');
  if (status === 'failed') return true;
  if (selector.select === 'failed') return false;
  return status !== 'succeeded' || (await findFinished(store, batchId, item)) === null;
}

/** Only failures have a code worth keeping: a batch with a million failed items is paused long before. */
function noteCode(codes: Map<number, string>, row: ResultRow): void {
  if (row.status === 'failed') codes.set(row.index, row.error_code ?? 'INTERNAL');
  else codes.delete(row.index);
}

/** The batch's items in order; a damaged line is left out, its item was reported when it was first read. */
async function* stagedItems(store: Store, segment: OpenRunInput['input']): AsyncGenerator<StagedItem> {
  for (let part = 0; part * segment.rowsPerPart < segment.total; part++) {
    const stream = await store.getStream(partKey(segment.prefix, part));
    if (stream === null) continue;
    for await (const line of createInterface({ input: Readable.from(stream), crlfDelay: Infinity })) {
      const item = parseItem(line);
      if (item !== null) yield item;
    }
  }
}

function parseItem(line: string): StagedItem | null {
  try {
    return stagedItemSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
