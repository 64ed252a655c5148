import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import { expect, it, onTestFinished } from 'vitest';
import { resolveBatch } from '../../../client/batch-flow.ts';
import { stageInput, type StageInputOptions } from '../../../client/input/stage-input.ts';
import { loadModels } from '../../../client/models.ts';
import { batchSpecSchema } from '../../../domain/batch-spec.ts';
import { stagedItemSchema, type StagedItem } from '../../../domain/item.ts';
import { createFileStore } from '../../../storage/file-store.ts';

const holding = (text: string): unknown => expect.stringContaining(text);

const models = await loadModels(join(tmpdir(), 'no such home'));
const { spec, flow } = await resolveBatch({}, { home: join(tmpdir(), 'no such home'), models });

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-stage-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const stage = (text: string, change: Partial<StageInputOptions> = {}) =>
  stageInput({ source: { text }, models, spec, flow, store: null, rejected: null, ...change });

const rows = (count: number): string =>
  ['prompt,quality', ...Array.from({ length: count }, (_, i) => `picture ${i},${i % 2 === 0 ? 'draft' : 'high'}`)].join(
    '\n',
  );

it('stages items in parts of 500 lines, in order, each a valid staged item', async () => {
  const folder = await makeFolder();
  const store = createFileStore(folder);
  const staged = await stage(rows(1201), { store });
  expect(staged).toMatchObject({ total: 1201, rejected: 0, parts: 3, rowsPerPart: 500 });
  const parts = await Array.fromAsync(store.list('input/'));
  expect(parts.map((part) => part.key)).toEqual([
    'input/part-00000.jsonl',
    'input/part-00001.jsonl',
    'input/part-00002.jsonl',
  ]);
  let index = 0;
  for (const { key } of parts) {
    const lines = (await store.get(key))?.toString().trimEnd().split('\n') ?? [];
    expect(lines.length).toBe(Math.min(500, 1201 - index));
    for (const line of lines) expect(stagedItemSchema.parse(JSON.parse(line)).index).toBe(index++);
  }
});

it('estimates the cost, and tells of each item', async () => {
  const items: StagedItem[] = [];
  const { estimateUsd } = await stage(rows(3), { onItem: (item) => items.push(item) });
  expect(items.map(({ model }) => model)).toEqual([models.quality.draft, models.quality.high, models.quality.draft]);
  expect(estimateUsd).toBeGreaterThan(2 * 0.0336 + 0.134);
  expect(estimateUsd).toBeCloseTo(
    items.reduce((sum, item) => sum + item.estimateUsd, 0),
    9,
  );
});

it('gives the same digest for the same items, and another for others', async () => {
  const { digest } = await stage('prompt,note\na cat,\n');
  expect((await stage('note;prompt\r\n;"a cat"\r\n')).digest).toBe(digest);
  expect((await stage('prompt\na dog\n')).digest).not.toBe(digest);
  expect((await stage('prompt,id\na cat,x\n')).digest).not.toBe(digest);
  expect((await stage('prompt,filename\na cat,x\n')).digest).not.toBe(digest);
});

it('writes rejected rows with number, type, reason and record, so that they can be read again', async () => {
  const rejected = join(await makeFolder(), 'new', 'x.rejected.csv');
  const staged = await stage('prompt,ratio\nok,1:1\n"a ""cat"",\nand more",5:4\n,\n"x, y",\nz,1,2\n', { rejected });
  expect(staged).toMatchObject({ total: 2, rejected: 2 });
  expect(parse(await readFile(rejected, 'utf8'), { columns: true })).toEqual([
    {
      row_number: '3',
      error_type: 'validation_error',
      error_message: 'ratio: must be one of 1:1, 16:9, 9:16, 4:3, 3:4 (got "5:4")',
      raw_data: '"a ""cat"",\nand more",5:4',
    },
    {
      row_number: '7',
      error_type: 'validation_error',
      error_message: holding('has 3 cells'),
      raw_data: 'z,1,2',
    },
  ]);
  expect(await readdir(join(rejected, '..'))).toEqual(['x.rejected.csv']);
});

it('writes the rejected file in a dry run too, and takes an old one away when nothing is rejected', async () => {
  const folder = await makeFolder();
  const rejected = join(folder, 'x.rejected.csv');
  await stage('prompt,seed\na,x\nb,1\n', { rejected });
  expect(await readdir(folder)).toEqual(['x.rejected.csv']);
  await stage('prompt,seed\na,1\n', { rejected });
  expect(await readdir(folder)).toEqual([]);
});

it('fails with NO_VALID_REQUESTS, the rejected file written, when no row is valid', async () => {
  const folder = await makeFolder();
  const rejected = join(folder, 'r.csv');
  const store = createFileStore(join(folder, 'out'));
  await expect(stage('{"prompt":""}\n{\n', { rejected, store })).rejects.toMatchObject({
    code: 'NO_VALID_REQUESTS',
    message: 'No valid requests found in the input: all 2 rows were rejected',
  });
  expect((await readFile(rejected, 'utf8')).split('\n')).toHaveLength(4);
  expect(await readdir(folder)).toEqual(['r.csv']);
});

it.each(['', 'prompt,seed\n'])('fails with NO_VALID_REQUESTS for the rowless input %j', async (text) => {
  await expect(stage(text)).rejects.toMatchObject({
    code: 'NO_VALID_REQUESTS',
    message: holding('it has no rows'),
  });
});

it('fails with UNKNOWN_MODEL before it reads, when the batch asks for a model that is not there', async () => {
  const unknown = batchSpecSchema.parse({ model: 'dall-e' });
  await expect(stage(rows(1), { spec: unknown })).rejects.toMatchObject({ code: 'UNKNOWN_MODEL' });
});

it('takes the batch model for rows that name none', async () => {
  const chosen = batchSpecSchema.parse({ model: 'gemini-3-pro-image' });
  const named = new Set<string>();
  await stage(rows(4), { spec: chosen, onItem: ({ model }) => named.add(model) });
  expect([...named]).toEqual(['gemini-3-pro-image']);
});

it('reports a storage failure and leaves an earlier rejected file as it was', async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, 'file'), '');
  const rejected = join(folder, 'r.csv');
  await writeFile(rejected, 'earlier');
  const store = createFileStore(join(folder, 'file', 'below'));
  await expect(stage(`${rows(3000)}\n,`.replace('picture 1,', ','), { store, rejected })).rejects.toMatchObject({
    code: 'STORAGE_ERROR',
  });
  expect(await readFile(rejected, 'utf8')).toBe('earlier');
  expect((await readdir(folder)).sort()).toEqual(['file', 'r.csv']);
});

it('passes on that the input was not UTF-8', async () => {
  const stream = Readable.from([Buffer.from('prompt\nK\xf6ln\n', 'latin1')]);
  expect((await stage('', { source: { stream } })).encodingNotice).toContain('windows-1252');
  expect(await stage(rows(1))).not.toHaveProperty('encodingNotice');
});
