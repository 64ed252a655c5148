import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parseInput, type ParsedInput } from '../../../client/input/parse-input.ts';
import type { InputSource } from '../../../client/input/source.ts';
import { loadModels } from '../../../client/models.ts';

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

const models = await loadModels(join(tmpdir(), 'no such home'));
const parse = (source: InputSource): Promise<ParsedInput[]> => Array.fromAsync(parseInput(source, { models }));
const short = (results: ParsedInput[]): string[] =>
  results.map((result) =>
    result.ok ? `${result.item.id} ${result.item.name}` : `${result.rejected.rowNumber}! ${result.rejected.message}`,
  );

it('numbers items among the valid rows, and names them by their place among all', async () => {
  const results = await parse({ text: 'prompt,seed\na,1\nb,x\nc,3\n' });
  expect(short(results)).toEqual([
    'item-000001 item-000001',
    '3! seed: must be a whole number from 0 to 2147483647 (got "x")',
    'item-000003 item-000003',
  ]);
  expect(results.flatMap((result) => (result.ok ? [[result.item.index, result.item.row]] : []))).toEqual([
    [0, 2],
    [1, 4],
  ]);
});

it('rejects the later of two rows with one id, naming the first', async () => {
  expect(short(await parse({ text: 'prompt,id\na,x\nb,y\nc,x\n,z\nd,z\n' }))).toEqual([
    'x x',
    'y y',
    '4! id: must be unique ("x" is the id of row 2)',
    '5! prompt: is required',
    'z z',
  ]);
});

it('never gives a row without an id the id of another row', async () => {
  expect(short(await parse({ text: 'prompt,id\na,item-000002\nb,\nc,item-000001\nd,item-000002-1\n' }))).toEqual([
    'item-000002 item-000002',
    'item-000002-2 item-000002-2',
    'item-000001 item-000001',
    'item-000002-1 item-000002-1',
  ]);
});

it('gives distinct safe names, and uses none up for a rejected row', async () => {
  const text = 'prompt,filename,ratio\na,cat.png,\nb,cat,5:4\nc,../CAT,\nd,cat-2,\ne,///,\n';
  expect(short(await parse({ text })).filter((line) => !line.includes('!'))).toEqual([
    'item-000001 cat',
    'item-000003 CAT-2',
    'item-000004 cat-2-2',
    'item-000005 item-000005',
  ]);
});

it('resolves source images against the folder of the input, and rejects missing ones', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-parse-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'there.png'), 'x');
  const input = join(folder, 'input.csv');
  await writeFile(
    input,
    `prompt,source_image\na,there.png\nb,https://example.com/x.png\nc,gone.png\nd,.\ne,${join(folder, 'there.png')}\n`,
  );
  const results = await parse({ path: input });
  expect(results.map((result) => (result.ok ? result.item.fromImage : result.rejected.message))).toEqual([
    join(folder, 'there.png'),
    'https://example.com/x.png',
    `from_image: there is no file ${join(folder, 'gone.png')}`,
    `from_image: there is no file ${folder}`,
    join(folder, 'there.png'),
  ]);
});

it('rejects a row whose text was damaged by a wrong encoding', async () => {
  expect(short(await parse({ text: 'prompt\nK\ufffdln\n' }))).toEqual([
    '2! prompt: holds characters that were damaged (U+FFFD): check the encoding of the file',
  ]);
});

it('rejects an unknown model and keeps the record as it was written', async () => {
  const [result] = await parse({ text: 'prompt,model\n"a, b",dall-e\n' });
  expect(result).toEqual({
    ok: false,
    rejected: {
      kind: 'rejected',
      rowNumber: 2,
      errorType: 'validation_error',
      message: matching(/^image_model: must be one of gemini.* \(got "dall-e"\)$/),
      raw: '"a, b",dall-e',
    },
  });
});

it('gives the same items for the same rows in CSV and JSONL', async () => {
  const csv = await parse({ text: 'prompt,seed,quality,note\na cat,,high,x\n' });
  const jsonl = await parse({ text: '{"prompt":"a cat","quality":"high","note":"x"}\n' });
  const [a, b] = [csv[0], jsonl[0]];
  if (!a?.ok || !b?.ok) throw new Error('both are valid');
  expect({ ...a.item, row: 1 }).toEqual(b.item);
});

it('accepts every row of the example that comes with Sluice', async () => {
  const results = await parse({ path: join(import.meta.dirname, '../../../examples/prompts.csv') });
  expect(results.filter((result) => result.ok)).toHaveLength(12);
  expect(results).toHaveLength(12);
});
