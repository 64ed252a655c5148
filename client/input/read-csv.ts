import { SluiceError } from '../../domain/errors.ts';
import { detectDelimiter, readHeader } from './csv-header.ts';
import { createRecordAssembler, quotesIn, type CsvRecord } from './csv-records.ts';
import type { InputEntry } from './input-entry.ts';
import type { Line } from './read-lines.ts';

interface Table {
  header: string[];
  delimiter: string;
}

/** Why a record that could be taken apart is no row of the table; undefined: it is one. */
function shapeProblem(record: CsvRecord, cells: string[], { header, delimiter }: Table): string | undefined {
  if (record.behindQuoteOf !== undefined) {
    const whole = header.length > 1 && cells.length === header.length && quotesIn(record.raw) % 2 === 0;
    return whole ? undefined : `row: may be a piece of row ${record.behindQuoteOf}, whose quotes do not match`;
  }
  if (cells.slice(header.length).every((cell) => cell.trim() === '')) return undefined;
  const hint = `quote a cell that holds "${delimiter === '\t' ? 'a tab' : delimiter}"`;
  return `row: has ${cells.length} cells, but the header has ${header.length} columns (${hint})`;
}

/** undefined: the row is blank, as the rows below a table that a spreadsheet saved often are. */
function toEntry(record: CsvRecord, table: Table): InputEntry | undefined {
  const { rowNumber, raw, cells } = record;
  const problem = cells === undefined ? record.problem : shapeProblem(record, cells, table);
  if (cells === undefined || problem !== undefined) {
    const message = problem ?? 'row: cannot be read';
    return { kind: 'rejected', rowNumber, errorType: 'validation_error', message, raw };
  }
  if (cells.every((cell) => cell.trim() === '')) return undefined;
  const named = table.header.flatMap((column, place) => {
    const cell = cells[place];
    return cell === undefined ? [] : [[column, cell] as const];
  });
  return { kind: 'row', rowNumber, cells: named, raw };
}

/**
 * Reads a CSV with a header row, delimited by `,`, `;`, tab or `|`. Blank rows are passed over; missing
 * cells at the end of a row are empty ones; a row with more cells than the header is rejected.
 * Throws INPUT_UNREADABLE for a header that cannot be used.
 */
export async function* readCsv(
  lines: AsyncIterable<Line[]>,
  source: string,
  required: readonly string[],
): AsyncGenerator<InputEntry> {
  let assembler: ReturnType<typeof createRecordAssembler> | undefined;
  let delimiter = ',';
  let table: Table | undefined;

  function* entries(records: CsvRecord[]): Generator<InputEntry> {
    for (const record of records) {
      if (table === undefined) {
        if (record.cells === undefined) {
          throw new SluiceError('INPUT_UNREADABLE', `${source}: the header cannot be read: ${record.problem ?? ''}`);
        }
        table = { header: readHeader(record.cells, source, required), delimiter };
        continue;
      }
      const entry = toEntry(record, table);
      if (entry !== undefined) yield entry;
    }
  }

  for await (const batch of lines) {
    for (const line of batch) {
      if (assembler === undefined) {
        if (line.text.trim() === '') continue;
        delimiter = detectDelimiter(line.text);
        assembler = createRecordAssembler(delimiter);
      }
      assembler.push(line);
    }
    if (assembler !== undefined) yield* entries(assembler.take());
  }
  if (assembler === undefined) return;
  assembler.end();
  yield* entries(assembler.take());
}
