import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { itemStatuses, resultRowSchema, type ItemStatus, type ResultRow } from '../domain/result.ts';
import type { Store } from './store.ts';

/**
 * The last result of every item of a batch, by place. Eight bytes an item, so that a batch of a
 * million fits: `status` 0 is none, else 1 + the place in (succeeded, failed, cancelled); `sequence` is
 * the row's number over all parts.
 */
export interface LastResults {
  status: Uint8Array;
  sequence: Int32Array;
  /** Rows in the parts, damaged ones included. */
  rows: number;
  /** Number after the last part. */
  nextPart: number;
}

/** How many items have this status. */
export function countStatus(last: LastResults, status: ItemStatus): number {
  const wanted = 1 + itemStatuses.indexOf(status);
  return last.status.reduce((count, value) => (value === wanted ? count + 1 : count), 0);
}

export function statusAt(last: LastResults, index: number): ItemStatus | undefined {
  return itemStatuses[(last.status[index] ?? 0) - 1];
}

/** Reads all parts of results in order. `total`: items of the batch; `visit` sees every sound row. */
export async function scanResults(
  store: Store,
  total: number,
  visit?: (row: ResultRow, sequence: number) => void,
): Promise<LastResults> {
  const last: LastResults = {
    status: new Uint8Array(total),
    sequence: new Int32Array(total).fill(-1),
    rows: 0,
    nextPart: 0,
  };
  for await (const { row, sequence, part } of readRows(store)) {
    last.rows = sequence + 1;
    last.nextPart = part + 1;
    if (row === null) continue;
    if (row.index >= 0 && row.index < total) {
      last.status[row.index] = 1 + itemStatuses.indexOf(row.status);
      last.sequence[row.index] = sequence;
    }
    visit?.(row, sequence);
  }
  return last;
}

/**
 * Every line of the results parts in the order they were written; `row` is null where a line is damaged.
 * @param from sequence number below which rows need not be parsed
 */
export async function* readRows(
  store: Store,
  from = 0,
): AsyncGenerator<{ row: ResultRow | null; sequence: number; part: number }> {
  let sequence = 0;
  for await (const { line, part } of readLines(store)) {
    yield { row: sequence < from ? null : parseRow(line), sequence, part };
    sequence += 1;
  }
}

/** The last result of one item; null where it has none. Lines that do not name it are not even parsed. */
export async function lastResultOf(store: Store, itemId: string): Promise<ResultRow | null> {
  const named = JSON.stringify(itemId);
  let last: ResultRow | null = null;
  for await (const { line } of readLines(store)) {
    const row = line.includes(named) ? parseRow(line) : null;
    if (row?.request_id === itemId) last = row;
  }
  return last;
}

async function* readLines(store: Store): AsyncGenerator<{ line: string; part: number }> {
  for await (const { key } of store.list('results/')) {
    const match = /part-(\d+)\.jsonl$/.exec(key);
    const stream = match === null ? null : await store.getStream(key);
    if (stream === null) continue;
    const lines = createInterface({ input: Readable.from(stream), crlfDelay: Infinity });
    for await (const line of lines) yield { line, part: Number(match?.[1]) };
  }
}

function parseRow(line: string): ResultRow | null {
  try {
    return resultRowSchema.parse(JSON.parse(line));
  } catch {
    // A line that someone damaged is no result; its item counts as unfinished.
    return null;
  }
}
