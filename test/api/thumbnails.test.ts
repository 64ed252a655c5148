import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Thumbnails } from '../../api/files/thumbnails.ts';

let directory: string;
let thumbnails: Thumbnails;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-thumbnails-'));
  mkdirSync(join(directory, 'images'));
  thumbnails = new Thumbnails();
});
afterAll(() => {
  thumbnails.onModuleDestroy();
  rmSync(directory, { recursive: true });
});

/** A picture that does not compress to nothing. */
function png(width: number, height: number): Buffer {
  const image = new PNG({ width, height });
  randomBytes(width * height * 4).copy(image.data);
  return PNG.sync.write(image);
}

function ask(name: string, bytes: Buffer, width: number): Promise<Buffer | null> {
  writeFileSync(join(directory, 'images', name), bytes);
  const storeUri = pathToFileURL(directory).href;
  return thumbnails.of({ storeUri, key: `images/${name}`, etag: `"${name}"`, size: bytes.length }, width);
}

test('a picture is made small, of the same shape and many times fewer bytes', async () => {
  const large = png(900, 600);
  for (const [name, bytes] of [
    ['a.png', large],
    ['b.jpg', await sharp(large).jpeg().toBuffer()],
    ['c.webp', await sharp(large).webp().toBuffer()],
  ] as const) {
    const small = await ask(name, bytes, 200);
    expect(await sharp(small ?? undefined).metadata(), name).toMatchObject({ format: 'webp', width: 200, height: 133 });
    expect(small?.length).toBeLessThan(large.length / 10);
  }
});

test('a picture is turned as its camera was, before its width is looked at', async () => {
  const turned = await sharp(png(600, 900)).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  expect(await sharp((await ask('d.jpg', turned, 400)) ?? undefined).metadata()).toMatchObject({
    width: 400,
    height: 267,
  });
});

test('what is no wider, damaged, or of a kind that is not decoded is left to be sent as it is', async () => {
  expect(await ask('small.png', png(200, 400), 200)).toBeNull();
  const large = png(900, 600);
  expect(await ask('half.png', large.subarray(0, large.length / 2), 200)).toBeNull();
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><rect width="900" height="9"/></svg>';
  expect(await ask('drawing.png', Buffer.from(svg), 200)).toBeNull();
  // A header that promises more pixels than may be decoded.
  const bomb = Buffer.from(large);
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  expect(await ask('bomb.png', bomb, 200)).toBeNull();
});

test('what many ask for at once is made, all of it, whatever of it fails', async () => {
  const pictures = Array.from({ length: 12 }, (_, n) => ask(`many-${String(n % 6)}.png`, png(300, 300), 200));
  const all = await Promise.all([...pictures, ask('no-picture.png', Buffer.from('no picture'), 200)]);
  expect(all.filter((picture) => picture !== null)).toHaveLength(12);
});
