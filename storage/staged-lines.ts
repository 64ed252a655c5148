import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { Segment } from '../domain/batch.ts';
import { partKey } from '../domain/part-key.ts';
import type { Store } from './store.ts';

/** The lines of a list of staged items in order, each with its place; those of a part that is missing are left out. */
export async function* stagedLines(
  store: Store,
  segment: Segment,
  from = 0,
): AsyncGenerator<{ line: string; index: number }> {
  const { prefix, total, rowsPerPart } = segment;
  for (let part = Math.floor(from / rowsPerPart); part * rowsPerPart < total; part++) {
    const stream = await store.getStream(partKey(prefix, part));
    if (stream === null) continue;
    let index = part * rowsPerPart;
    for await (const line of createInterface({ input: Readable.from(stream), crlfDelay: Infinity })) {
      if (index >= from) yield { line, index };
      index += 1;
    }
  }
}
