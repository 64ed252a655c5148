import { join, resolve } from 'node:path';
import { openStore } from '../../storage/open-store.ts';
import { storeUriOf } from '../output-directory.ts';
import type { CellView, Comparison, Labelled } from './comparison.ts';
import { drawGrid } from './grid.ts';
import { layOut } from './layout.ts';
import { lookAtFile } from './look-at-file.ts';
import { renderPage } from './page.ts';

const imageName = 'comparison.png';
const pageName = 'comparison.html';

export interface WrittenComparison {
  /** Absolute paths. */
  image: string;
  page: string;
  /** What a person should know of the image: that cells are scaled, that rows or columns are left out. */
  notes: string[];
  /** Cells that show a picture in the image, in the page, and all there are. */
  cells: { image: number; page: number; all: number };
}

/**
 * Writes pictures side by side: `comparison.png`, one image, and `comparison.html`, one page without
 * scripts that shows the files where they lie, so it has to keep its place beside them.
 *
 * The image holds at most 16 million pixels: cells are scaled, and if need be rows and columns left out,
 * and it says so. It has PNG files of up to 25 million pixels; others (JPEG, WebP, interlaced PNG) have
 * a box there that says which, and are seen in the page. Missing and damaged files get a box with the
 * reason and stop nothing. Characters outside ASCII are boxes in the image, themselves in the page.
 *
 * @param directory is made if need be; earlier comparisons in it are replaced, each file at once
 * @throws SluiceError STORAGE_* if it cannot be written to
 */
export async function writeComparison<Row extends Labelled, Column extends Labelled>(
  comparison: Comparison<Row, Column>,
  directory: string,
): Promise<WrittenComparison> {
  const { title, rows, columns, cell } = comparison;
  const views: CellView[][] = [];
  for (const row of rows) {
    const looked: CellView[] = [];
    for (const column of columns) looked.push(await lookAtFile(cell(row, column)));
    views.push(looked);
  }
  const root = resolve(directory);
  const store = openStore(storeUriOf(root));
  const layout = layOut({ title, rows, columns, largest: largestOf(views.flat()) });
  await store.put(imageName, await drawGrid(layout, rows, views));
  await store.put(pageName, renderPage({ title, rows, columns, views, directory: root }));

  const all = views.flat();
  const drawn = views.slice(0, layout.rows).flatMap((row) => row.slice(0, layout.columns));
  const count = (list: CellView[], ...shown: CellView['shown'][]): number =>
    list.filter((view) => shown.includes(view.shown)).length;
  return {
    image: join(root, imageName),
    page: join(root, pageName),
    notes: layout.notes,
    cells: { image: count(drawn, 'grid'), page: count(all, 'grid', 'page'), all: all.length },
  };
}

function largestOf(views: readonly CellView[]): { width: number; height: number } | null {
  return views.reduce<{ width: number; height: number } | null>((largest, { shown, size }) => {
    if (shown !== 'grid' || size === null) return largest;
    const { width, height } = largest ?? size;
    return { width: Math.max(width, size.width), height: Math.max(height, size.height) };
  }, null);
}
