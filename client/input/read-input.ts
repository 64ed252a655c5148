import { decodeText, type DecodeOptions } from './decode-text.ts';
import type { InputEntry } from './input-entry.ts';
import { readCsv } from './read-csv.ts';
import { readGlob } from './read-glob.ts';
import { readJsonl } from './read-jsonl.ts';
import { readLines } from './read-lines.ts';
import { readSource, type TextSource, sourceName, type InputFormat, type InputSource } from './source.ts';

export interface ReadInputOptions extends DecodeOptions {
  /** @default 'auto' */
  format?: InputFormat | undefined;
  /** Columns that no row may leave empty. @default prompt alone */
  required?: readonly string[] | undefined;
}

function formatOfName(path: string): 'csv' | 'jsonl' | undefined {
  if (/\.(?:csv|tsv)$/i.test(path)) return 'csv';
  return /\.(?:jsonl|ndjson)$/i.test(path) ? 'jsonl' : undefined;
}

/** Records at hand, e.g. those of a request. */
function* readRows(rows: readonly Readonly<Record<string, unknown>>[]): Generator<InputEntry> {
  for (const [place, row] of rows.entries()) {
    yield { kind: 'row', rowNumber: place + 1, cells: Object.entries(row), raw: JSON.stringify(row) };
  }
}

/** Looks at the first character that is not blank without losing what was read for it. */
async function sniffFormat(
  chunks: AsyncGenerator<string>,
): Promise<{ format: 'csv' | 'jsonl'; text: AsyncGenerator<string> }> {
  let start = '';
  while (start.trimStart() === '') {
    const next = await chunks.next();
    if (next.done === true) break;
    start = start.trimStart() === '' && start.length > 1024 * 1024 ? next.value : start + next.value;
  }
  async function* text(): AsyncGenerator<string> {
    yield start;
    yield* chunks;
  }
  return { format: /^\s*[{[]/.test(start) ? 'jsonl' : 'csv', text: text() };
}

/**
 * Reads the records of a CSV or JSONL, one at a time and in constant memory, whatever its size: lines
 * end with LF, CRLF or CR, the encoding is found out, bad records are rejected one by one.
 *
 * Throws INPUT_NOT_FOUND, or INPUT_UNREADABLE when no record of the source can be trusted: a directory,
 * a binary file, a header without a required column or with a name twice.
 */
export async function* readInput(source: InputSource, options: ReadInputOptions = {}): AsyncGenerator<InputEntry> {
  if ('rows' in source) yield* readRows(source.rows);
  else if ('glob' in source) yield* readGlob(source.glob);
  else yield* readTextSource(source, options);
}

async function* readTextSource(source: TextSource, options: ReadInputOptions): AsyncGenerator<InputEntry> {
  const name = sourceName(source);
  const decoded = decodeText(readSource(source), options);
  try {
    const wanted = options.format ?? 'auto';
    const known = wanted !== 'auto' ? wanted : formatOfName('path' in source ? source.path : name);
    const { format, text } = known === undefined ? await sniffFormat(decoded) : { format: known, text: decoded };
    const lines = readLines(text);
    yield* format === 'csv' ? readCsv(lines, name, options.required ?? ['prompt']) : readJsonl(lines, name);
  } finally {
    await decoded.return(undefined);
  }
}
