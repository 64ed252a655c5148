import { CsvError, parse } from 'csv-parse/sync';
import { maxRecordChars, type Line } from './read-lines.ts';

/** One CSV record: its cells, or what is wrong with it. */
export interface CsvRecord {
  rowNumber: number;
  raw: string;
  cells?: string[];
  problem?: string;
  /** Row of the broken quote this line stood behind: it may be a piece of that row's text. */
  behindQuoteOf?: number;
}

const neverClosed = 'row: the quote that opens in this row is never closed';
const misplaced = 'row: quotes do not match: a cell that holds a quote is quoted, and the quote written twice ("")';

/** How many double quotes a text holds; a whole record holds an even number of them. */
export function quotesIn(text: string): number {
  return text.split('"').length - 1;
}

/** Cells of well-formed records, or undefined if one of them is not. */
function parseRecords(texts: string[], delimiter: string): string[][] | undefined {
  try {
    const records = parse(texts.join('\n'), {
      delimiter,
      record_delimiter: '\n',
      trim: true,
      relax_column_count: true,
    });
    return records.length === texts.length ? records : undefined;
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}

/**
 * Puts lines together into records: a quoted cell may run over several lines. csv-parse takes quoted
 * records apart; in a line no cell of which begins with a quote, quotes are plain characters (`5" pipe`).
 *
 * A quote that is never closed must not swallow the rest of the file. When a record does not come to a
 * proper end (within 1 MiB, or at all), its first line alone is given up and reading goes on behind it.
 * The lines up to where it was noticed are marked: they are rows of their own, or pieces of a broken text.
 */
export function createRecordAssembler(delimiter: string): { push(line: Line): void; end(): void; take(): CsvRecord[] } {
  // As csv-parse with `trim` sees it: blanks may come before the quote, unless they are the delimiter.
  const opensQuote = delimiter === '\t' ? /(?:^|\t)[^\S\t]*"/ : new RegExp(`(?:^|\\${delimiter})\\s*"`);
  let done: CsvRecord[] = [];
  /** Those of `done` that are quoted and on one line, taken apart together: many small parses are slow. */
  let unparsed: CsvRecord[] = [];
  let open: Line[] = [];
  let openChars = 0;
  let suspect = { until: 0, rowNumber: 0 };

  const add = (line: Line, rest: { raw?: string; cells?: string[]; problem?: string }): CsvRecord => {
    const record: CsvRecord = { rowNumber: line.number, raw: line.text, ...rest };
    if (line.number <= suspect.until) record.behindQuoteOf = suspect.rowNumber;
    done.push(record);
    return record;
  };

  const giveUpFirst = (problem: string): void => {
    const [first, ...others] = open;
    open = [];
    if (first === undefined) return;
    add(first, { problem });
    const until = others.at(-1)?.number ?? 0;
    if (until > suspect.until) suspect = { until, rowNumber: first.number };
    for (const line of others) push(line);
  };

  function push(line: Line): void {
    if (open.length === 0) {
      if (line.tooLong) add(line, { problem: `row: is longer than ${maxRecordChars} characters` });
      else if (line.text.trim() === '') return;
      else if (!opensQuote.test(line.text)) add(line, { cells: line.text.split(delimiter) });
      else if (quotesIn(line.text) % 2 === 0) unparsed.push(add(line, {}));
      else {
        open = [line];
        openChars = line.text.length;
      }
      return;
    }
    open.push(line);
    openChars += line.text.length + 1;
    if (line.tooLong || openChars > maxRecordChars) giveUpFirst(neverClosed);
    else if (quotesIn(line.text) % 2 === 1) close();
  }

  function close(): void {
    const [first] = open;
    const raw = open.map((line) => line.text).join('\n');
    const [cells] = parseRecords([raw], delimiter) ?? [];
    if (first === undefined || cells === undefined) {
      giveUpFirst(misplaced);
      return;
    }
    open = [];
    add(first, { raw, cells });
  }

  return {
    push,
    end() {
      while (open.length > 0) giveUpFirst(neverClosed);
    },
    take() {
      const together = parseRecords(
        unparsed.map((record) => record.raw),
        delimiter,
      );
      for (const [place, record] of unparsed.entries()) {
        const cells = together?.[place] ?? parseRecords([record.raw], delimiter)?.[0];
        if (cells === undefined) record.problem = misplaced;
        else record.cells = cells;
      }
      const records = done;
      done = [];
      unparsed = [];
      return records;
    },
  };
}
