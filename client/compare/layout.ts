import { advance, lineHeight } from '../../domain/bitmap-font.ts';
import { printable, wrapText } from '../../domain/text-lines.ts';
import type { Labelled } from './comparison.ts';

interface Size {
  width: number;
  height: number;
}

interface LayoutInput {
  title: string;
  rows: readonly Labelled[];
  columns: readonly Labelled[];
  /** Greatest width and height among the pictures; null if there is none. */
  largest: Size | null;
}

/** Where everything of a grid goes, pixels. */
export interface Layout extends Size {
  /** Of one cell. */
  cell: Size;
  /** Pixels a dot of the font is wide and high. */
  textScale: number;
  /** Distance between cells, and to the border. */
  gap: number;
  /** Lines above the cells. */
  title: string[];
  notes: string[];
  headers: string[][];
  /** Of the labels of rows, left of the cells. */
  gutter: number;
  /** Top of the column labels, and of the first row of cells. */
  headersTop: number;
  cellsTop: number;
  /** How many rows and columns are drawn. */
  rows: number;
  columns: number;
  /** Set if there is no room for the largest picture at its own size. */
  scaled: boolean;
}

const maxPixels = 16_000_000;
const maxSide = 8_192;
/** Smaller cells show nothing. */
const minSide = 96;
/** What small pictures are enlarged to, and the size of cells where there is no picture. */
const wantedSide = 256;

/**
 * Finds the largest cells with which a grid stays within 16 million pixels and 8,192 a side. If not even
 * the smallest do, the last rows and columns are left out. What was done to fit is said in the notes.
 */
export function layOut(input: LayoutInput): Layout {
  const natural = naturalCell(input.largest);
  const attempt = (shrink: number, rows: number, columns: number): Layout =>
    place(input, natural, Math.min(1, shrink), rows, columns);

  const smallest = Math.min(1, minSide / Math.max(natural.width, natural.height));
  // More than these cannot fit, whatever their labels.
  let rows = Math.min(input.rows.length, Math.floor(maxSide / (minSide >> 1)));
  let columns = Math.min(input.columns.length, Math.floor(maxSide / minSide));
  let layout = attempt(smallest, rows, columns);
  while (!fits(layout) && rows + columns > 2) {
    const wide = layout.width > maxSide || (layout.height <= maxSide && layout.width > layout.height);
    if (columns > 1 && (wide || rows <= 1)) columns = Math.floor(columns * 0.97);
    else rows = Math.floor(rows * 0.97);
    layout = attempt(smallest, rows, columns);
  }
  let shrink = 1;
  layout = attempt(shrink, rows, columns);
  while (!fits(layout) && shrink > smallest) {
    shrink = Math.max(smallest, shrink * 0.97);
    layout = attempt(shrink, rows, columns);
  }
  return layout;
}

function naturalCell(largest: Size | null): Size {
  if (largest === null) return { width: wantedSide, height: wantedSide };
  const factor = Math.max(1, Math.floor(wantedSide / Math.max(largest.width, largest.height)));
  return { width: largest.width * factor, height: largest.height * factor };
}

const fits = ({ width, height }: Size): boolean => width <= maxSide && height <= maxSide && width * height <= maxPixels;

function place(input: LayoutInput, natural: Size, shrink: number, rows: number, columns: number): Layout {
  const cell = {
    width: Math.max(minSide, Math.floor(natural.width * shrink)),
    height: Math.max(minSide >> 1, Math.floor(natural.height * shrink)),
  };
  const textScale = Math.max(1, Math.round(Math.min(cell.width, cell.height * 2) / 170));
  const gap = 6 * textScale;
  const gutter = 24 * advance * textScale;
  const width = gutter + columns * (cell.width + gap) + 2 * gap;
  const scaled = input.largest !== null && natural.width * shrink < input.largest.width;

  const line = (text: string, room: number, scale: number, most: number): string[] =>
    fitLines(text, Math.floor(room / (advance * scale)), most);
  const title = line(input.title, width - 2 * gap, 2 * textScale, 2);
  const notes = describe(input, cell, scaled, rows, columns).flatMap((note) =>
    line(note, width - 2 * gap, textScale, 4),
  );
  const headers = input.columns.slice(0, columns).map(({ label }) => line(label, cell.width, textScale, 3));
  const step = lineHeight * textScale;
  const headersTop = gap + 2 * step * title.length + step * notes.length + gap;
  const cellsTop = headersTop + step * Math.max(1, ...headers.map((header) => header.length));
  const height = cellsTop + rows * (cell.height + gap) + gap;
  return {
    width,
    height,
    cell,
    textScale,
    gap,
    title,
    notes,
    headers,
    gutter,
    headersTop,
    cellsTop,
    rows,
    columns,
    scaled,
  };
}

function describe(input: LayoutInput, cell: Size, scaled: boolean, rows: number, columns: number): string[] {
  const { largest } = input;
  const notes: string[] = [];
  if (scaled && largest !== null) {
    notes.push(
      `Scaled to ${cell.width} x ${cell.height} pixels a cell; the largest picture has ${largest.width} x ${largest.height}.`,
    );
  }
  if (rows < input.rows.length || columns < input.columns.length) {
    notes.push(
      `Only the first ${rows} of ${input.rows.length} rows and ${columns} of ${input.columns.length} columns are here; the HTML page has all.`,
    );
  }
  return notes;
}

/** Lines of a text, at most `most` of at most `width` characters; dots say that there is more. */
export function fitLines(text: string, width: number, most: number): string[] {
  const lines = wrapText(printable(text.slice(0, 4_000)), width);
  if (lines.length <= most) return lines;
  const last = lines[most - 1] ?? '';
  return [...lines.slice(0, Math.max(0, most - 1)), `${last.slice(0, Math.max(0, width - 3))}...`];
}
