import { parseStagedItem, type StagedItem } from '../domain/item.ts';
import { openStore } from '../storage/open-store.ts';
import { stagedLines } from '../storage/staged-lines.ts';
import { readBatchInfo } from './batch-info.ts';
import { notFound } from './errors.ts';

interface StagedItemsOptions {
  /** Only items whose id, name, prompt or columns hold this, in whatever case. @default all */
  text?: string | undefined;
  /** Place of the first item that is looked at. @default 0 */
  from?: number | undefined;
}

/**
 * The items of a batch as they were staged, in order: read as a stream, and a line that cannot hold the text is not
 * even parsed, so that a million can be searched.
 *
 * @throws SluiceError BATCH_NOT_FOUND where the directory is gone, or holds another batch
 */
export async function* stagedItemsOf(
  batch: { batchId: string; storeUri: string },
  { text = '', from = 0 }: StagedItemsOptions = {},
): AsyncGenerator<{ item: StagedItem; place: number }> {
  const store = openStore(batch.storeUri);
  const info = await readBatchInfo(store);
  if (info?.batch_id !== batch.batchId) throw notFound(batch.batchId);
  const { total, rows_per_part: rowsPerPart } = info.input;
  const wanted = text.trim().toLowerCase();
  const asJson = JSON.stringify(wanted).slice(1, -1);
  for await (const { line, index: place } of stagedLines(store, { prefix: 'input', total, rowsPerPart }, from)) {
    if (!line.toLowerCase().includes(asJson)) continue;
    const item = parseStagedItem(line);
    // A damaged line is reported when its item is run.
    if (item !== null && textOf(item).includes(wanted)) yield { item, place };
  }
}

function textOf({ id, name, prompt, negativePrompt, fields, data }: StagedItem): string {
  const columns = [...Object.values(fields ?? {}), ...Object.values(data ?? {})];
  const values = columns.filter((value) => typeof value !== 'object').map(String);
  return [id, name, prompt, negativePrompt ?? '', ...values].join('\n').toLowerCase();
}
