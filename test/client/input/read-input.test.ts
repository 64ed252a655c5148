import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readInput, type ReadInputOptions } from '../../../client/input/read-input.ts';
import type { InputSource } from '../../../client/input/source.ts';

const holding = (text: string): unknown => expect.stringContaining(text);

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

const collect = (source: InputSource, options?: ReadInputOptions) => Array.fromAsync(readInput(source, options));

/** `row number: cells` or `row number! message`, short enough to compare at a glance. */
async function summary(source: InputSource | string, options?: ReadInputOptions): Promise<string[]> {
  const entries = await collect(typeof source === 'string' ? { text: source } : source, options);
  return entries.map((entry) =>
    entry.kind === 'row'
      ? `${entry.rowNumber}: ${entry.cells.map(([column, value]) => `${column}=${JSON.stringify(value)}`).join(' ')}`
      : `${entry.rowNumber}! ${entry.message}`,
  );
}

function inChunks(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  const count = Math.ceil(bytes.length / size);
  return Readable.from(Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size)));
}

async function fileWith(name: string, bytes: string | Uint8Array): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-input-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, name), bytes);
  return join(directory, name);
}

describe('reading CSV', () => {
  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['lone CR', '\r'],
  ])('reads lines that end in %s, and counts blank ones as an editor does', async (_, end) => {
    const text = ['', 'prompt,seed', 'a cat,1', '', '"two', 'lines",2', ' ', 'a dog', ''].join(end);
    expect(await summary(text)).toEqual([
      '3: prompt="a cat" seed="1"',
      '5: prompt="two\\nlines" seed="2"',
      '8: prompt="a dog"',
    ]);
  });

  it('gives the same rows whatever the chunks it arrives in', async () => {
    const text = '\ufeffprompt;note\r\n"grüße ""x""\r\ny";1\r\r\n猫;2\r\n"open;3\nlast;4\n';
    const expected = await summary(text);
    expect(expected).toHaveLength(4);
    for (let size = 1; size < 20; size++) {
      expect(await summary({ stream: inChunks(Buffer.from(text), size) })).toEqual(expected);
    }
  });

  it.each([';', '\t', '|', ','])('finds out that cells are separated by %j', async (delimiter) => {
    const text = [
      ['prompt', 'my note'],
      ['"a; b, c\t|"', 'x'],
    ]
      .map((row) => row.join(delimiter))
      .join('\n');
    expect(await summary(text)).toEqual(['2: prompt="a; b, c\\t|" my note="x"']);
  });

  it('takes quotes as plain characters in a line no cell of which begins with one', async () => {
    expect(await summary('prompt,seed\na 5" pipe and a 6" one,1\n12" ruler,2')).toEqual([
      '2: prompt="a 5\\" pipe and a 6\\" one" seed="1"',
      '3: prompt="12\\" ruler" seed="2"',
    ]);
  });

  it('takes missing cells as empty ones and ignores empty ones in excess', async () => {
    expect(await summary('prompt,a,b\nx\ny,1,2,,\n,,\n')).toEqual(['2: prompt="x"', '3: prompt="y" a="1" b="2"']);
  });

  it('rejects a row with more cells than the header, naming both counts', async () => {
    expect(await summary('prompt,a\na cat, blue, big\nok,1')).toEqual([
      '2! row: has 3 cells, but the header has 2 columns (quote a cell that holds ",")',
      '3: prompt="ok" a="1"',
    ]);
  });

  it('gives up only the row whose quote is never closed', async () => {
    expect(await summary('prompt,a\none,1\n"two,2\nthree,3\n"four",4\nfive,5')).toEqual([
      '2: prompt="one" a="1"',
      '3! row: the quote that opens in this row is never closed',
      '4: prompt="three" a="3"',
      '5: prompt="four" a="4"',
      '6: prompt="five" a="5"',
    ]);
  });

  it('rejects what may be a piece of a broken text instead of paying for it', async () => {
    expect(await summary('prompt,a\n"he said "hi" there,1\nand went\n away",x\nok,2')).toEqual([
      matching(/^2! row: quotes do not match/),
      '3! row: may be a piece of row 2, whose quotes do not match',
      '4! row: may be a piece of row 2, whose quotes do not match',
      '5: prompt="ok" a="2"',
    ]);
  });

  it('loses one row, and holds no more than a record, when a quote is left open in a huge file', async () => {
    const rows = 60_000;
    function* chunks() {
      yield 'prompt,a\n"never closed,0\n';
      for (let i = 0; i < rows; i++) yield `a picture of thing number ${i},${i}\n`;
    }
    let good = 0;
    const bad: string[] = [];
    for await (const entry of readInput({ stream: Readable.from(chunks()) })) {
      if (entry.kind === 'row') good++;
      else bad.push(`${entry.rowNumber} ${entry.raw}`);
    }
    expect({ good, bad }).toEqual({ good: rows, bad: ['2 "never closed,0'] });
  });

  it('rejects a line of over 1 MiB and reads on', async () => {
    const [huge, next] = await collect({ text: `prompt,a\n${'x'.repeat(3_000_000)},1\nok,2` });
    expect(huge).toMatchObject({ kind: 'rejected', rowNumber: 2, message: 'row: is longer than 1048576 characters' });
    expect(huge?.raw.length).toBe(1000);
    expect(next).toMatchObject({ kind: 'row', rowNumber: 3 });
  });

  it('names columns without a name by their place', async () => {
    expect(await summary('prompt,,x\np,1,2')).toEqual(['2: prompt="p" column_2="1" x="2"']);
  });

  it.each([
    ['a,b\n1,2', 'no "prompt" column; its first row names: a, b'],
    ['prompt,Seed,SEED\nx,1,2', 'two columns named "SEED"'],
    ['prompt,note,note\nx,1,2', 'two columns named "note"'],
    ['"prompt,a\nx,1', 'the header cannot be read'],
  ])('refuses the header of %j', async (text, message) => {
    await expect(collect({ text })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: holding(message),
    });
  });

  it('reads any table that was properly quoted', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ';', ' ', 'é', '猫') });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 1 }),
        fc.integer({ min: 1, max: 30 }),
        async (table, size) => {
          const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
          const text = ['prompt,note', ...table.map((row) => row.map(quote).join(','))].join('\n');
          const entries = await collect({ stream: inChunks(Buffer.from(text), size) });
          const read = entries.map((entry) =>
            entry.kind === 'row' ? entry.cells.map(([, value]) => value) : entry.message,
          );
          expect(read).toEqual(table.filter((row) => row.some((text) => text.trim() !== '')));
        },
      ),
    );
  });
});

describe('reading JSONL', () => {
  it('reads one object a line, by its line number, values as they are', async () => {
    expect(await summary('{"prompt":"a","seed":1}\r\n\n{"prompt":"b","tags":["x"]}')).toEqual([
      '1: prompt="a" seed=1',
      '3: prompt="b" tags=["x"]',
    ]);
  });

  it.each([
    ['{"prompt": hello}', 'Unexpected token "h" at character 12'],
    ['{"prompt":"a",}', 'Expected double-quoted property name at character 15'],
    ['{"prompt":"a"', "Expected ',' or '}' after property value at character 14"],
    ['{"prompt":', 'Unexpected end at character 11'],
    ['{"prompt":"a', 'Unterminated string at character 13'],
    ['{} {}', 'Unexpected non-whitespace character after JSON at character 4'],
    ['42', 'The line is not a JSON object'],
    ['null', 'The line is not a JSON object'],
  ])('rejects %j as a json_error that says where', async (line, message) => {
    const entries = await collect({ text: `{"prompt":"first"}\n${line}\n{"prompt":"last"}` }, { format: 'jsonl' });
    expect(entries.map((entry) => entry.kind)).toEqual(['row', 'rejected', 'row']);
    expect(entries[1]).toEqual({ kind: 'rejected', rowNumber: 2, errorType: 'json_error', message, raw: line });
  });

  it('rejects a line of over 1 MiB without holding it, and reads on', async () => {
    function* chunks() {
      yield '{"prompt":"';
      for (let i = 0; i < 40; i++) yield 'x'.repeat(100_000);
      yield '"}\n{"prompt":"ok"}\n';
    }
    const [huge, next] = await collect({ stream: Readable.from(chunks()) });
    expect(huge).toMatchObject({ kind: 'rejected', rowNumber: 1, errorType: 'validation_error' });
    expect(huge?.raw.length).toBe(1000);
    expect(next).toMatchObject({ kind: 'row', rowNumber: 2 });
  });

  it('says how to make JSONL of a JSON array', async () => {
    await expect(collect({ text: ' \n[{"prompt":"a"}]' })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      action: holding('jq'),
    });
  });
});

describe('finding out the format', () => {
  it.each([
    ['x.csv', 'prompt\n{}', '2: prompt="{}"'],
    ['x.TSV', 'prompt\ta\nx\t1', '2: prompt="x" a="1"'],
    ['x.jsonl', '{"prompt":"a"}', '1: prompt="a"'],
    ['x.ndjson', '{"prompt":"a"}', '1: prompt="a"'],
    ['x.txt', '\n  {"prompt":"a"}', '2: prompt="a"'],
    ['x', 'prompt\nx', '2: prompt="x"'],
  ])('of %s holding %j', async (name, text, first) => {
    expect(await summary({ path: await fileWith(name, text) })).toEqual([first]);
  });

  it('unless it is said', async () => {
    expect(await summary({ path: await fileWith('x.csv', '{"prompt":"a"}') }, { format: 'jsonl' })).toEqual([
      '1: prompt="a"',
    ]);
  });
});

describe('finding out the encoding', () => {
  const text = 'prompt,note\nGrüße aus Köln,“schön” €5\n';
  const expected = ['2: prompt="Grüße aus Köln" note="“schön” €5"'];

  it.each([
    ['utf-8', false, undefined],
    ['utf-8', true, undefined],
    ['utf-16le', true, 'utf-16le'],
    ['utf-16be', true, 'utf-16be'],
    ['utf-16le', false, 'utf-16le'],
    ['utf-16be', false, 'utf-16be'],
    ['windows-1252', false, 'windows-1252'],
  ])('%s, byte order mark: %s', async (encoding, addBOM, notice) => {
    const bytes = iconv.encode(text, encoding, { addBOM });
    for (const size of [1, 3, 1000]) {
      const notices: string[] = [];
      expect(await summary({ stream: inChunks(bytes, size) }, { onNotice: (said) => notices.push(said) })).toEqual(
        expected,
      );
      expect(notices).toEqual(notice === undefined ? [] : [holding(notice)]);
    }
  });

  it('takes the one that is named', async () => {
    const bytes = iconv.encode('prompt\nПривет', 'windows-1251');
    expect(await summary({ stream: inChunks(bytes, 4) }, { encoding: 'windows-1251' })).toEqual(['2: prompt="Привет"']);
    await expect(summary('prompt', { encoding: 'klingon' })).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  });

  it('finds windows-1252 also when its first letter comes after many plain rows', async () => {
    const bytes = iconv.encode(`prompt\n${'plain text\n'.repeat(50_000)}Köln\n`, 'windows-1252');
    expect((await summary({ stream: inChunks(bytes, 65_536) })).at(-1)).toBe('50002: prompt="Köln"');
  });

  it('keeps to UTF-8 when single bytes are broken, so that only their rows are lost', async () => {
    const bytes = Buffer.concat([
      Buffer.from('prompt\nKöln am Rhein, süß\nK'.replace(', ', ' ')),
      Buffer.from([0xf6]),
      Buffer.from('ln\nok\n'),
    ]);
    expect(await summary({ stream: inChunks(bytes, 7) })).toEqual([
      '2: prompt="Köln am Rhein süß"',
      '3: prompt="K\ufffdln"',
      '4: prompt="ok"',
    ]);
  });
});

describe('refusing what is no input', () => {
  it.each([
    ['binary data', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13, 0, 0, 0, 1, 0, 0]), 'is not text'],
    ['an Excel workbook', Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(50)]), 'save the sheet as CSV'],
  ])('%s', async (_, bytes, message) => {
    await expect(collect({ path: await fileWith('x.csv', bytes) })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: holding(message),
    });
  });

  it('a file that is not there, and a directory', async () => {
    const path = await fileWith('x.csv', '');
    await expect(collect({ path: `${path}.gone` })).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      message: `${path}.gone does not exist`,
    });
    await expect(collect({ path: join(path, '..') })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: holding('is a directory'),
    });
  });

  it('but an empty one is just without rows', async () => {
    expect(await collect({ path: await fileWith('x.csv', '') })).toEqual([]);
    expect(await collect({ text: '\ufeff' })).toEqual([]);
    expect(await collect({ text: '\n \n' })).toEqual([]);
  });
});

it('stops reading its source when its reader stops', async () => {
  let stopped = false;
  async function* stream() {
    try {
      for (let i = 0; ; i++) {
        await setImmediate();
        yield i === 0 ? 'prompt\n' : 'a cat\n';
      }
    } finally {
      stopped = true;
    }
  }
  for await (const entry of readInput({ stream: stream() })) if (entry.rowNumber > 5) break;
  expect(stopped).toBe(true);
});
