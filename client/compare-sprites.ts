import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BatchCounts } from '../domain/batch.ts';
import { SluiceError } from '../domain/errors.ts';
import { createNameAllocator, safeOutputName } from '../domain/output-name.ts';
import type { ResultRow } from '../domain/result.ts';
import type { BatchReport } from './batch-report.ts';
import type { Labelled } from './compare/comparison.ts';
import { writeComparison, type WrittenComparison } from './compare/write-comparison.ts';
import { loraColumn, type LoraChoice } from './lora-column.ts';
import type { Sluice } from './sluice.ts';
import type { SpriteOptions } from './sprites.ts';
import type { SubmitOptions } from './submit.ts';

export interface CompareOptions extends Omit<SpriteOptions, 'batchSize' | 'model' | 'loras' | 'output'> {
  /** What the columns are: checkpoints, or LoRAs; null is no LoRA. */
  columns: { models: readonly string[] } | { loras: readonly (LoraChoice | null)[] };
  /** Directory of the comparison; each column's batch has one of its own in it. */
  output: string;
  /** Called when all columns are submitted, and at each result of any of them. */
  onProgress?: ((done: number, cells: number) => void) | undefined;
}

/** A column of a finished comparison. Snake case because commands print it. */
export interface ComparedColumn {
  label: string;
  report: BatchReport;
}

export interface ComparedSprites {
  written: WrittenComparison;
  columns: ComparedColumn[];
  /** Cells with a picture, and all. */
  made: number;
  cells: number;
}

interface Row extends Labelled {
  /** Place among the items of each column. */
  index: number;
}

interface Column extends Labelled {
  submit: SubmitOptions;
  /** Its directory. */
  output: string;
  rows: Map<number, ResultRow>;
}

/**
 * Makes the same prompts with the same seeds once for each model or LoRA, and lays the pictures side by side.
 * A column is a batch of its own in a directory of its own, named after it; the same comparison again does
 * only what is missing, because its seeds are given, or derived from the first prompt.
 *
 * @throws SluiceError what `generate` does, before anything is started if an option is wrong
 */
export async function compareSprites(sluice: Sluice, options: CompareOptions): Promise<ComparedSprites> {
  const seeds = seedsOf(options);
  const columns = await planColumns(sluice, { ...options, seeds });
  const cells = columns.length * options.prompts.length * seeds.length;
  const batchIds: string[] = [];
  for (const { submit } of columns) batchIds.push((await sluice.submit(submit)).batchId);
  options.onProgress?.(0, cells);
  const done = columns.map(() => 0);
  const tell = (
    place: number,
    { succeeded, failed, skipped }: Pick<BatchCounts, 'succeeded' | 'failed' | 'skipped'>,
  ) => {
    const now = Math.min(succeeded + failed + skipped, cells / columns.length);
    if (now <= (done[place] ?? 0)) return;
    done[place] = now;
    options.onProgress?.(
      done.reduce((sum, count) => sum + count, 0),
      cells,
    );
  };
  const reports = await Promise.all(
    columns.map(async (column, place) => {
      const batchId = batchIds[place] ?? '';
      await waitFor(sluice, batchId, (counts) => {
        tell(place, counts);
      });
      for await (const row of sluice.jobs(batchId)) column.rows.set(row.index, row);
      const report = await sluice.status(batchId);
      tell(place, report);
      return { label: column.label, report };
    }),
  );
  const rows = options.prompts.flatMap((prompt, place) =>
    seeds.map((seed, n): Row => ({ label: `${prompt}\nseed ${String(seed)}`, index: place * seeds.length + n })),
  );
  const title = `${'models' in options.columns ? 'Models' : 'LoRAs'} compared`;
  const cell = (row: Row, column: Column) => cellOf(column, row.index);
  const written = await writeComparison<Row, Column>({ title, rows, columns, cell }, options.output);
  const made = rows.flatMap((row) => columns.filter((column) => cell(row, column).file !== null)).length;
  return { written, columns: reports, made, cells };
}

/** Those given, or consecutive ones from the seed given, or from one that the first prompt determines. */
function seedsOf({ seeds, seed, count = 1, prompts }: CompareOptions): readonly number[] {
  if (seeds !== undefined) return seeds;
  const first =
    seed ??
    createHash('sha256')
      .update(prompts[0] ?? '')
      .digest()
      .readUInt32BE() >>> 1;
  return Array.from({ length: count }, (_, n) => (first + n) % 2_147_483_648);
}

async function planColumns(sluice: Sluice, options: CompareOptions): Promise<Column[]> {
  const { columns: wanted, onProgress: _told, output: root, ...same } = options;
  const variants: { label: string; options: Partial<SpriteOptions> }[] =
    'models' in wanted
      ? wanted.models.map((model) => ({ label: model, options: { model } }))
      : await Promise.all(wanted.loras.map((lora) => loraColumn(sluice.engine.home, same, lora)));
  assertDistinct(variants.map(({ label }) => label));
  const names = createNameAllocator();
  const columns: Column[] = [];
  for (const { label, options: own } of variants) {
    const output = join(root, names.allocate(safeOutputName(label) ?? 'column'));
    const { submit } = await sluice.planSprites({ ...same, ...own, output });
    // A column that fails altogether is a finding, and no reason to wait for a person.
    const failurePolicy = { pauseAbove: 1, noticeAbove: 1 };
    columns.push({
      label,
      output,
      rows: new Map(),
      submit: { ...submit, resume: true, spec: { ...submit.spec, failurePolicy } },
    });
  }
  return columns;
}

function assertDistinct(labels: readonly string[]): void {
  const twice = labels.find((label, place) => labels.indexOf(label) < place);
  if (twice === undefined) return;
  throw new SluiceError('USAGE', `The column ${twice} is given twice.`, { action: 'Name each once.' });
}

/** Until the batch has closed, or is paused with nothing under way: then the rest is left open. */
async function waitFor(sluice: Sluice, batchId: string, onCounts: (counts: BatchCounts) => void): Promise<void> {
  const paused = new AbortController();
  const results = sluice.watch(batchId, {
    signal: paused.signal,
    fromRow: 'now',
    onProgress: ({ status, counts }) => {
      onCounts(counts);
      if (status === 'paused' && counts.running === 0) paused.abort();
    },
  });
  try {
    for await (const _ of results);
  } catch (error) {
    if (!paused.signal.aborted) throw error;
  }
}

function cellOf({ rows, output }: Column, index: number): { file: string | null; note?: string } {
  const row = rows.get(index);
  if (row?.status === 'succeeded' && row.output_path !== null) return { file: join(output, row.output_path) };
  return { file: null, note: row?.error_code ?? 'not made' };
}
