import { resultRowSchema, type ResultRow } from '../../domain/result.ts';

/** Rows gathered before they are sent. */
const rowsPerChunk = 200;
const columns = Object.keys(resultRowSchema.shape) as (keyof ResultRow)[];

/** Results as text, some hundred at a time. */
export async function* resultLines(rows: AsyncIterable<ResultRow>, format: 'jsonl' | 'csv'): AsyncGenerator<string> {
  const line = format === 'csv' ? csvLine : (row: ResultRow): string => JSON.stringify(row);
  let chunk = format === 'csv' ? [columns.join(',')] : [];
  for await (const row of rows) {
    chunk.push(line(row));
    if (chunk.length < rowsPerChunk) continue;
    yield `${chunk.join('\n')}\n`;
    chunk = [];
  }
  if (chunk.length > 0) yield `${chunk.join('\n')}\n`;
}

function csvLine(row: ResultRow): string {
  return columns.map((column) => cell(row[column])).join(',');
}

/** A text that a spreadsheet would take for a formula is made one by an apostrophe. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') return quoted(JSON.stringify(value));
  if (typeof value !== 'string') return JSON.stringify(value);
  return quoted(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
