import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';
import { onTestFinished } from 'vitest';
import { eachDot } from '../../../domain/bitmap-font.ts';

export type Rgb = readonly [number, number, number];

export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-compare-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes a file and returns its path. */
export async function write(path: string, bytes: Uint8Array | string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** A PNG whose pixels are what `at` says: red, green, blue and opacity. */
export function png(width: number, height: number, at: (x: number, y: number) => readonly number[]): Buffer {
  const image = new PNG({ width, height });
  for (let place = 0; place < width * height; place++) {
    image.data[place * 4 + 3] = 255;
    image.data.set(at(place % width, Math.floor(place / width)), place * 4);
  }
  return PNG.sync.write(image);
}

export const plain = (width: number, height: number, color: Rgb): Buffer => png(width, height, () => color);

export const readPng = async (path: string): Promise<PNG> => PNG.sync.read(await readFile(path));

export function pixel({ width, data }: PNG, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
}

/** The smallest box around all pixels of exactly one colour; null if there is none. */
export function boxOf(image: PNG, color: Rgb): { x: number; y: number; width: number; height: number } | null {
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const place = (y * image.width + x) * 4;
      if (color.some((value, channel) => image.data[place + channel] !== value)) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Where a line of text stands in a picture, its dots dark on light; null if it is nowhere. */
export function findText(image: PNG, line: string): { x: number; y: number } | null {
  const { width, height, data } = image;
  const dark = Uint8Array.from({ length: width * height }, (_, place) =>
    Math.max(data[place * 4]!, data[place * 4 + 1]!, data[place * 4 + 2]!) < 128 ? 1 : 0,
  );
  const dots: [number, number][] = [];
  eachDot(line, (x, y) => dots.push([x, y]));
  const set = new Set(dots.map(([x, y]) => `${x} ${y}`));
  // Places right of dots that must be light tell a text from a dark area.
  const blanks = dots.map(([x, y]): [number, number] => [x + 1, y]).filter(([x, y]) => !set.has(`${x} ${y}`));
  for (const scale of [1, 2, 3, 4, 5, 6]) {
    const steps = (places: [number, number][]) => places.map(([x, y]) => (y * width + x) * scale);
    const [inked, light] = [steps(dots), steps(blanks)];
    const last = (height - 7 * scale) * width;
    for (let place = 0; place < last; place++) {
      if (dark[place + inked[0]!] === 0 || inked.some((step) => dark[place + step] === 0)) continue;
      if (light.every((step) => dark[place + step] === 0)) return { x: place % width, y: Math.floor(place / width) };
    }
  }
  return null;
}
