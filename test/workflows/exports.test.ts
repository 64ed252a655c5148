import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import type { Flow, Step } from '../../domain/flow.ts';
import { rows, type Rig } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';
import { parseXml } from '../activities/export/parse-xml.ts';

const { rig: makeRig, space } = useNamespace();

function flowOf(...steps: [string, Step['uses'], Record<string, unknown>][]): Flow {
  return { name: 'made', steps: steps.map(([id, uses, options]) => ({ id, uses, with: options })) };
}

const exporting = (options: Record<string, unknown>): Flow => flowOf(['document', 'export', options]);

async function run(flow: Flow, input = rows(1)): Promise<Rig> {
  const rig = await makeRig();
  await rig.submit(input, { flow });
  await rig.summary();
  return rig;
}

function made(rig: Rig, itemId = 'a1'): string {
  const { output_path: path, error_message: message } = rig.row(itemId);
  if (path === null) throw new Error(message ?? 'nothing was made');
  return path;
}

function unpack(rig: Rig, path: string): Record<string, string> {
  const files = unzipSync(readFileSync(join(rig.output, path)));
  return Object.fromEntries(Object.entries(files).map(([name, data]) => [name, strFromU8(data)]));
}

function chaptersOf(files: Record<string, string>): string[] {
  return parseXml(files['EPUB/nav.xhtml'] ?? '')
    .filter(({ name }) => name === 'a')
    .map(({ text }) => text);
}

function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(space().directory, 'chapters-'));
  mkdirSync(path, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

describe('an export', () => {
  test('writes a text, with a sidecar that vouches for it', async () => {
    const rig = await run(exporting({ format: 'markdown', text: '# {{ item.id }}\n\n{{ item.prompt }}' }));
    const path = made(rig);
    expect(path).toMatch(/^texts\/.*\.md$/);
    expect(rig.read(path)).toBe('# a1\n\npicture 1\n');
    const sidecar = JSON.parse(rig.read(`metadata/${rig.files('metadata')[0] ?? ''}`)) as Record<string, unknown>;
    const sha256 = createHash('sha256').update(rig.read(path)).digest('hex');
    expect(sidecar).toMatchObject({ batch_id: rig.batchId, file: { path, sha256, mime_type: 'text/markdown' } });
  });

  test('writes any value as JSON, and plain text', async () => {
    const json = await run(
      exporting({
        format: 'json',
        text: { id: '{{ item.id }}', index: '{{ item.index }}' },
        name: 'facts of {{ item.id }}',
      }),
    );
    expect(made(json)).toBe('texts/facts of a1.json');
    expect(JSON.parse(json.read(made(json)))).toEqual({ id: 'a1', index: 0 });
    const text = await run(exporting({ format: 'text', text: 'plain' }));
    expect(text.read(made(text))).toBe('plain\n');
    expect(made(text)).toMatch(/\.txt$/);
  });

  test('binds chapters and a cover that was drawn into a book, the same to the byte in another batch', async () => {
    const flow = flowOf(
      ['cover', 'image', { prompt: 'a harbour' }],
      [
        'book',
        'export',
        {
          format: 'epub',
          title: 'Salt',
          author: 'A. Writer',
          language: 'en',
          cover: '{{ steps.cover.path }}',
          chapters: [
            { title: 'Ebb', text: 'Water & wind.' },
            { title: 'Flood', text: '# The Flood\n\nIt came.' },
          ],
        },
      ],
    );
    const rig = await run(flow);
    const path = made(rig);
    expect(path).toMatch(/^books\/.*\.epub$/);
    const files = unpack(rig, path);
    for (const [name, text] of Object.entries(files)) if (/\.(xhtml|opf|ncx|xml)$/.test(name)) parseXml(text);
    expect(chaptersOf(files)).toEqual(['Ebb', 'The Flood']);
    expect(Object.keys(files)).toContain('EPUB/cover.png');
    const again = await run(flow);
    expect(readFileSync(join(again.output, made(again))).equals(readFileSync(join(rig.output, path)))).toBe(true);
  });

  test('makes a book of a directory of files, in the order of their numbers', async () => {
    const path = folder({
      '10-end.md': 'End.',
      '2-middle.md': '# Middle\n\nMid.',
      '1-start.md': 'Start.',
      'notes.pdf': 'x',
    });
    const rig = await run(exporting({ format: 'epub', title: 'Ordered', chapters: path }));
    expect(chaptersOf(unpack(rig, made(rig)))).toEqual(['1 start', 'Middle', '10 end']);
    const other = await run(exporting({ format: 'epub', title: 'None', chapters: `${path}/notes.pdf` }));
    expect(other.row('a1').error_code).toBe('INVALID_INPUT');
    const some = await run(exporting({ format: 'markdown', title: 'Some', chapters: `${path}/{1,2}-*.md` }));
    expect(some.read(made(some))).toBe('# Some\n\n# 1 start\n\nStart.\n\n# Middle\n\nMid.\n');
  });

  test('makes a book of another batch, by the number of each chapter, and says which are missing', async () => {
    const numbers = ['3', '1', '2'];
    const input = rows(3, { 3: 'bad' }).map((row, place) => ({ ...row, chapter_num: numbers[place] ?? '' }));
    const flow = flowOf(
      ['gate', 'check', { rules: [{ that: 'item.prompt != "bad"', message: 'is bad' }], on_failure: 'fail' }],
      ['text', 'export', { format: 'markdown', text: 'Of {{ item.id }}.' }],
    );
    const chapters = await run(flow, input);
    const failed = await run(exporting({ format: 'epub', title: 'Book', from_batch: chapters.output }));
    expect(failed.row('a1')).toMatchObject({
      error_code: 'INVALID_INPUT',
      error_message: expect.stringMatching(/1 of 3 items .* no text \(a3\)/),
    });
    const partial = await run(
      exporting({
        format: 'epub',
        title: 'Book',
        chapters: `../../${basename(chapters.directory)}/out`,
        partial: true,
      }),
    );
    expect(chaptersOf(unpack(partial, made(partial)))).toEqual(['Chapter 1', 'Chapter 3']);
    expect(unpack(partial, made(partial))['EPUB/chapter-0001.xhtml']).toContain('Of a2.');
  });

  test('gives no item the name of another one’s document', async () => {
    const rig = await run(exporting({ format: 'text', text: 'x', name: 'same' }), rows(2));
    const failed = rig.results().filter(({ status }) => status === 'failed');
    expect(rig.files('texts')).toEqual(['same.txt']);
    expect(failed).toMatchObject([
      { error_code: 'INVALID_INPUT', error_message: expect.stringMatching(/same\.txt is there already/) },
    ]);
  });

  test('reads no file of the machine that an earlier step named', async () => {
    const flow = flowOf(
      ['said', 'export', { format: 'text', text: '/etc', name: 'said' }],
      ['book', 'export', { format: 'epub', title: 'B', chapters: '{{ steps.said.path }}' }],
    );
    const rig = await run(flow);
    expect(rig.row('a1')).toMatchObject({
      error_code: 'INVALID_INPUT',
      error_message: expect.stringMatching(/must not come from what an earlier step made/),
    });
  });
});
