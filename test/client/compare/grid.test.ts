import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import type { ComparisonCell } from '../../../client/compare/comparison.ts';
import { writeComparison, type WrittenComparison } from '../../../client/compare/write-comparison.ts';
import { boxOf, findText, makeDirectory, pixel, plain, png, readPng, write, type Rgb } from './pictures.ts';

const red: Rgb = [255, 0, 0];
const green: Rgb = [0, 200, 0];
const blue: Rgb = [0, 0, 255];

/** A grid of the given cells, row by row; rows are called `row 1`, columns `column 1` and so on. */
async function gridOf(
  directory: string,
  cells: readonly (readonly ComparisonCell[])[],
): Promise<{ image: PNG; written: WrittenComparison }> {
  const rows = cells.map((row, n) => ({ label: `row ${n + 1}`, row }));
  const columns = (cells[0] ?? []).map((_, place) => ({ label: `column ${place + 1}`, place }));
  const cell = ({ row }: (typeof rows)[number], { place }: (typeof columns)[number]) => row[place]!;
  const written = await writeComparison({ title: 'A comparison', rows, columns, cell }, join(directory, 'out'));
  return { image: await readPng(written.image), written };
}

it('draws each picture in the place of its row and column, under its column and beside its row', async () => {
  const directory = await makeDirectory();
  const file = async (name: string, color: Rgb) => ({
    file: await write(join(directory, name), plain(256, 256, color)),
  });
  const [a, b, c] = [await file('a.png', red), await file('b.png', green), await file('c.png', blue)];
  const { image, written } = await gridOf(directory, [
    [a, b],
    [c, { file: null, note: 'OUT_OF_MEMORY' }],
  ]);

  const [first, second, third] = [boxOf(image, red), boxOf(image, green), boxOf(image, blue)];
  expect(first).toMatchObject({ width: 256, height: 256 });
  expect(second).toEqual({ ...first!, x: second!.x });
  expect(second!.x).toBeGreaterThanOrEqual(first!.x + 256);
  expect(third).toEqual({ ...first!, y: third!.y });
  expect(third!.y).toBeGreaterThanOrEqual(first!.y + 256);

  const labels = ['column 1', 'column 2', 'row 1', 'row 2'].map((label) => findText(image, label));
  expect(labels.map((label) => label?.x)).toEqual([first!.x, second!.x, labels[2]!.x, labels[2]!.x]);
  expect(labels[0]!.y).toBeLessThan(first!.y);
  expect(labels.slice(2).map((label) => label?.y)).toEqual([first!.y, third!.y]);
  expect(findText(image, 'A comparison')?.y).toBeLessThan(labels[0]!.y);

  const reason = findText(image, 'OUT_OF_MEMORY')!;
  expect(reason.x).toBeGreaterThan(second!.x);
  expect(reason.y).toBeGreaterThan(third!.y);
  expect(written.cells).toEqual({ image: 3, page: 3, all: 4 });
  expect(written.notes).toEqual([]);
});

it('says in the place of what cannot be drawn why, and draws the rest', async () => {
  const directory = await makeDirectory();
  const whole = png(64, 64, (x, y) => [x * 4, y * 4, 99]);
  const flipped = Buffer.from(whole);
  flipped[whole.length - 30]! ^= 0xff;
  /** With another header than its data have. */
  const claiming = (width: number, interlace: number, sealed: boolean): Buffer => {
    const changed = Buffer.from(whole);
    changed.writeUInt32BE(width, 16);
    changed[28] = interlace;
    if (sealed) changed.writeUInt32BE(crc32(changed.subarray(12, 29)), 29);
    return changed;
  };
  const named: [name: string, bytes: Uint8Array | string, reason: string][] = [
    ['cut.png', whole.subarray(0, whole.length >> 1), 'damaged PNG'],
    ['flipped.png', flipped, 'damaged PNG'],
    ['head.png', whole.subarray(0, 20), 'damaged PNG'],
    ['only-head.png', whole.subarray(0, 40), 'damaged PNG'],
    ['empty.png', '', 'not a picture'],
    ['text.png', 'I am not a picture at all, but text', 'not a picture'],
    ['photo.jpg', Buffer.from('ffd8ffe000104a464946', 'hex'), 'JPEG: see the HTML'],
    ['photo.webp', 'RIFF\0\0\0\0WEBPVP8 ', 'WebP: see the HTML'],
    ['huge.png', claiming(1_000_000, 0, true), 'too large to draw'],
    ['interlaced.png', claiming(64, 1, true), 'interlaced PNG:'],
    ['header.png', claiming(100_000, 0, false), 'damaged PNG'],
    ['short.png', claiming(128, 0, true), 'damaged PNG'],
  ];
  for (const [name, bytes] of named) await write(join(directory, name), bytes);
  const good = await write(join(directory, 'good.png'), plain(200, 200, red));
  const rows = [
    ...named.map(([name, , reason]) => ({ cell: { file: join(directory, name) }, reason })),
    { cell: { file: join(directory, 'gone.png') }, reason: 'the file is gone' },
    { cell: { file: directory }, reason: 'not a file' },
    { cell: { file: null }, reason: 'no picture' },
    { cell: { file: join(directory, 'gone.png'), note: 'STORAGE_ERROR' }, reason: 'STORAGE_ERROR' },
  ];
  for (const { cell, reason } of rows) {
    const { image, written } = await gridOf(directory, [[cell], [{ file: good }]]);
    expect(boxOf(image, red), reason).toMatchObject({ width: 200, height: 200 });
    expect(findText(image, reason), reason).not.toBeNull();
    expect(written.cells.image, reason).toBe(1);
  }
});

it('makes pictures smaller by averaging, says so in the image and stays within its bounds', async () => {
  const directory = await makeDirectory();
  const stripes = png(2_000, 200, (x) => (x % 2 === 0 ? [0, 0, 0] : [255, 0, 0]));
  const cell = { file: await write(join(directory, 'a.png'), stripes) };
  const { image, written } = await gridOf(directory, [[cell, cell, cell, cell, cell, cell]]);
  expect(image.width).toBeLessThanOrEqual(8_192);
  expect(image.width).toBeGreaterThan(7_500);
  expect(written.notes).toEqual([expect.stringMatching(/^Scaled to \d+ x \d+ pixels a cell; .* 2000 x 200\.$/)]);
  expect(findText(image, 'Scaled to ')).not.toBeNull();
  const [red, green] = pixel(image, image.width - 500, image.height - 60);
  expect(red).toBeGreaterThan(60);
  expect(red).toBeLessThan(195);
  expect(green).toBe(0);
});

it('keeps pixel art sharp when it enlarges it', async () => {
  const directory = await makeDirectory();
  const sprite = png(16, 16, (x, y) => ((x + y) % 2 === 0 ? red : blue));
  const { image } = await gridOf(directory, [[{ file: await write(join(directory, 'a.png'), sprite) }]]);
  const box = boxOf(image, red)!;
  expect(box).toMatchObject({ width: 256, height: 256 });
  for (let y = 0; y < 256; y++) {
    for (let x = 0; x < 256; x++) {
      const expected = ((x >> 4) + (y >> 4)) % 2 === 0 ? red : blue;
      if (pixel(image, box.x + x, box.y + y).join() !== expected.join()) expect.fail(`blurred at ${x}, ${y}`);
    }
  }
});

it('enlarges by whole factors only, also beside larger pictures', async () => {
  const directory = await makeDirectory();
  const small = { file: await write(join(directory, 'a.png'), plain(100, 100, red)) };
  const large = { file: await write(join(directory, 'b.png'), plain(256, 256, green)) };
  const { image } = await gridOf(directory, [[small, large]]);
  expect(boxOf(image, red)).toMatchObject({ width: 200, height: 200 });
});

it('shows light squares through what is transparent, and keeps the proportions of pictures', async () => {
  const directory = await makeDirectory();
  const file = await write(
    join(directory, 'a.png'),
    png(400, 200, (x) => (x < 200 ? [...red, 255] : [0, 0, 0, 0])),
  );
  const square = await write(join(directory, 'b.png'), plain(400, 400, green));
  const { image } = await gridOf(directory, [[{ file }, { file: square }]]);
  const box = boxOf(image, red)!;
  expect(box).toMatchObject({ width: 200, height: 200 });
  expect(box.y - boxOf(image, green)!.y).toBe(100);
  const through = [4, 12].map((x) => pixel(image, box.x + 200 + x, box.y + 4));
  expect(through.sort()).toEqual([
    [222, 222, 222],
    [255, 255, 255],
  ]);
});

it('writes a comparison of nothing', async () => {
  const { image, written } = await gridOf(await makeDirectory(), []);
  expect(findText(image, 'A compar')).not.toBeNull();
  expect(written.cells).toEqual({ image: 0, page: 0, all: 0 });
});
