import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { renderImage, type Picture } from '../../../emulators/gemini/image.ts';

const picture: Picture = { prompt: 'a red fox', seed: 42, width: 1024, height: 1024, sources: [] };

/** Chunks of a PNG in order, by type. */
function chunksOf(png: Buffer): { type: string; data: Buffer }[] {
  const chunks = [];
  for (let at = 8; at < png.byteLength; at += png.readUInt32BE(at) + 12) {
    chunks.push({
      type: png.toString('latin1', at + 4, at + 8),
      data: png.subarray(at + 8, at + 8 + png.readUInt32BE(at)),
    });
  }
  return chunks;
}

test('the same prompt and seed give the same bytes; another prompt, seed or source gives others', () => {
  const bytes = renderImage(picture);
  expect(renderImage({ ...picture }).equals(bytes)).toBe(true);
  for (const change of [{ seed: 43 }, { seed: null }, { prompt: 'a red fix' }, { sources: ['hash'] }]) {
    expect(renderImage({ ...picture, ...change }).equals(bytes)).toBe(false);
  }
});

test.each([
  [1024, 1024],
  [1344, 768],
  [768, 1344],
  [2368, 1728],
])('a picture of %i by %i decodes, checksums and all', (width, height) => {
  const image = PNG.sync.read(renderImage({ ...picture, width, height }), { checkCRC: true });
  expect([image.width, image.height]).toEqual([width, height]);
  expect(
    new Set(Array.from({ length: height }, (_, y) => image.data.readUInt32BE(4 * (y * width + (width >> 1))))).size,
  ).toBeGreaterThan(4);
});

describe('text chunks', () => {
  test('say what made the picture, from what', () => {
    const texts = chunksOf(renderImage(picture)).filter(({ type }) => type === 'tEXt');
    expect(texts.map(({ data }) => data.toString('latin1').split('\0'))).toEqual([
      ['Software', 'Sluice Gemini emulator'],
      ['Comment', 'EMULATED - NOT A GEMINI IMAGE'],
      ['prompt', 'a red fox'],
      ['seed', '42'],
    ]);
  });

  test('carry a prompt beyond Latin-1 as UTF-8', () => {
    const [text] = chunksOf(renderImage({ ...picture, prompt: '狐\0 🦊' })).filter(({ type }) => type === 'iTXt');
    expect(text?.data.toString('utf8')).toBe('prompt\0\0\0\0\0狐 🦊');
  });
});

test.each([
  ['empty', ''],
  ['one endless word', 'x'.repeat(3_000)],
  ['very long', 'a word or two '.repeat(5_000)],
  ['of characters the font lacks', '狐🦊é\u0000\t\n'],
])('a prompt that is %s is drawn all the same', (_, prompt) => {
  expect(PNG.sync.read(renderImage({ ...picture, prompt })).width).toBe(1024);
});

test('the mark of an emulated picture covers its whole width, in every picture', () => {
  for (const seed of [1, 2, 3]) {
    const image = PNG.sync.read(renderImage({ ...picture, seed }));
    for (let x = 0; x < image.width; x++) expect(image.data.readUIntBE(4 * x, 3)).toBe(0xffcc00);
  }
});
