import { readFile } from 'node:fs/promises';
import { advance, lineHeight } from '../../domain/bitmap-font.ts';
import type { CellView, Labelled } from './comparison.ts';
import { fitLines, type Layout } from './layout.ts';
import { readPng } from './read-png.ts';
import { Raster, type Box, type Color } from './raster.ts';

const ink: Color = [28, 28, 30];
const faint: Color = [92, 92, 98];
const frame: Color = [176, 176, 182];
const empty: Color = [240, 240, 242];

/**
 * Draws a grid. Cells are decoded one at a time, so memory is that of the grid and of one picture.
 *
 * @param views row by row. Those of pictures that turn out to be damaged are changed to say so.
 */
export async function drawGrid(
  layout: Layout,
  rows: readonly Labelled[],
  views: readonly (readonly CellView[])[],
): Promise<Buffer> {
  const { cell, gap, gutter, textScale: scale } = layout;
  const raster = new Raster(layout.width, layout.height);
  const step = lineHeight * scale;
  layout.title.forEach((line, n) => raster.text(gap, gap + n * 2 * step, line, 2 * scale, ink));
  const notesTop = gap + layout.title.length * 2 * step;
  layout.notes.forEach((line, n) => raster.text(gap, notesTop + n * step, line, scale, faint));
  const left = (column: number): number => gap + gutter + column * (cell.width + gap);
  layout.headers.forEach((lines, column) => {
    lines.forEach((line, n) => raster.text(left(column), layout.headersTop + n * step, line, scale, ink));
  });

  for (let row = 0; row < layout.rows; row++) {
    const y = layout.cellsTop + row * (cell.height + gap);
    const room = Math.floor(gutter / (advance * scale)) - 1;
    const label = fitLines(rows[row]?.label ?? '', room, Math.max(1, Math.floor(cell.height / step)));
    label.forEach((line, n) => raster.text(gap, y + n * step, line, scale, ink));
    for (let column = 0; column < layout.columns; column++) {
      const view = views[row]?.[column];
      if (view !== undefined) await drawCell(raster, { x: left(column), y, ...cell }, view, scale);
    }
  }
  return raster.toPng();
}

async function drawCell(raster: Raster, box: Box, view: CellView, scale: number): Promise<void> {
  if (view.shown === 'grid' && view.file !== null) {
    try {
      raster.picture(box, readPng(await readFile(view.file)));
      return;
    } catch {
      view.shown = 'nowhere';
      view.reason = 'damaged PNG';
    }
  }
  raster.rect(box, frame);
  const { x, y, width, height } = box;
  raster.rect({ x: x + scale, y: y + scale, width: width - 2 * scale, height: height - 2 * scale }, empty);
  const step = lineHeight * scale;
  const most = Math.max(1, Math.floor(height / step) - 1);
  const lines = fitLines(view.reason, Math.floor(width / (advance * scale)) - 2, most);
  const top = y + ((height - lines.length * step) >> 1);
  lines.forEach((line, n) => {
    raster.text(x + ((width - line.length * advance * scale) >> 1), top + n * step, line, scale, faint);
  });
}
