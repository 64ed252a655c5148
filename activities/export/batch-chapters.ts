import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { batchInfoKey, batchInfoSchema } from '../../domain/batch-info.ts';
import { SluiceError } from '../../domain/errors.ts';
import { stagedItemSchema, type StagedItem } from '../../domain/item.ts';
import type { ResultRow } from '../../domain/result.ts';
import { readRows, scanResults, statusAt } from '../../storage/results-scan.ts';
import type { Store } from '../../storage/store.ts';
import type { Chapter } from './epub.ts';

/** Columns that may hold a chapter's number, the first that does. */
const numberColumns = ['chapter_num', 'chapter_number', 'chapter', 'number'];

/**
 * The texts of a batch as chapters, in order of their numbers (a column `chapter_num`, `chapter_number`, `chapter`
 * or `number`), else of their items.
 *
 * @param options `partial`: leave out items without a text instead of refusing the book
 * @throws SluiceError INVALID_INPUT naming the items that have no text
 */
export async function readBatchChapters(store: Store, { partial }: { partial: boolean }): Promise<Chapter[]> {
  const info = batchInfoSchema.safeParse(JSON.parse((await store.get(batchInfoKey))?.toString('utf8') ?? 'null'));
  if (!info.success) throw new SluiceError('INVALID_INPUT', `chapters: ${store.uri} holds no batch that can be read`);
  const outputs = await outputsOf(store, info.data.input.total);
  const items = (await readItems(store)).sort((a, b) => numberOf(a) - numberOf(b) || a.index - b.index);
  const chapters: Chapter[] = [];
  const missing: string[] = [];
  for (const item of items) {
    const path = outputs.get(item.index);
    const text = path === undefined || !/\.(md|markdown|txt)$/i.test(path) ? null : await store.get(path);
    if (text === null) missing.push(item.id);
    else chapters.push({ title: titleOf(item), markdown: text.toString('utf8') });
  }
  if (missing.length > 0 && !partial) {
    const some = `${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`;
    throw new SluiceError(
      'INVALID_INPUT',
      `chapters: ${String(missing.length)} of ${String(items.length)} items of the batch have no text (${some})`,
    );
  }
  return chapters;
}

/** Files of the items whose last result is a success, by place. */
async function outputsOf(store: Store, total: number): Promise<Map<number, string>> {
  const last = await scanResults(store, total);
  const outputs = new Map<number, string>();
  const isLast = (row: ResultRow, sequence: number): boolean =>
    last.sequence[row.index] === sequence && statusAt(last, row.index) === 'succeeded';
  for await (const { row, sequence } of readRows(store)) {
    const path = row?.output_path;
    if (row !== null && typeof path === 'string' && isLast(row, sequence)) outputs.set(row.index, path);
  }
  return outputs;
}

async function readItems(store: Store): Promise<StagedItem[]> {
  const items: StagedItem[] = [];
  for await (const { key } of store.list('input/')) {
    if (!/^input\/part-\d+\.jsonl$/.test(key)) continue;
    const stream = await store.getStream(key);
    if (stream === null) continue;
    for await (const line of createInterface({ input: Readable.from(stream), crlfDelay: Infinity })) {
      items.push(stagedItemSchema.parse(JSON.parse(line)));
    }
  }
  return items;
}

function numberOf({ data, fields, index }: StagedItem): number {
  for (const column of numberColumns) {
    const number = Number(data?.[column] ?? fields?.[column] ?? Number.NaN);
    if (Number.isFinite(number)) return number;
  }
  return index + 1;
}

function titleOf(item: StagedItem): string {
  const title = item.data?.['title'] ?? item.fields?.['title'];
  return typeof title === 'string' && title.trim() !== '' ? title : `Chapter ${String(numberOf(item))}`;
}
