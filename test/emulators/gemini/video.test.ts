import { expect, test } from 'vitest';
import { renderVideo } from '../../../emulators/gemini/video.ts';

const asked = { prompt: 'a lighthouse at night', seed: 4, seconds: 4, portrait: false };

/** Boxes of an MP4 file by their paths, as ISO/IEC 14496-12 nests them. */
function boxesOf(bytes: Buffer, path = ''): Map<string, Buffer> {
  const boxes = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, at + size);
    expect(size).toBeGreaterThanOrEqual(8);
    boxes.set(`${path}${type}`, content);
    if (['moov', 'trak', 'mdia', 'minf', 'stbl', 'udta'].includes(type)) {
      for (const [name, inner] of boxesOf(content, `${path}${type}.`)) boxes.set(name, inner);
    }
    at += size;
  }
  return boxes;
}

const table = 'moov.trak.mdia.minf.stbl';

test('a video is an MP4 whose frames lie where its tables say, as long as was asked for', () => {
  const file = renderVideo(asked);
  const boxes = boxesOf(file);
  const sizes = boxes.get(`${table}.stsz`) ?? Buffer.alloc(0);
  const count = sizes.readUInt32BE(8);
  const mvhd = boxes.get('moov.mvhd') ?? Buffer.alloc(0);
  expect(mvhd.readUInt32BE(16) / mvhd.readUInt32BE(12)).toBe(4);
  expect(count).toBe(32);
  let at = boxes.get(`${table}.stco`)?.readUInt32BE(8) ?? 0;
  for (let frame = 0; frame < count; frame++) {
    const size = sizes.readUInt32BE(12 + 4 * frame);
    // One unit of H.264 with its length before it: the first complete in itself, the others built on it.
    expect(file.readUInt32BE(at)).toBe(size - 4);
    expect((file[at + 4] ?? 0) & 0x1f).toBe(frame === 0 ? 5 : 1);
    at += size;
  }
  expect(at).toBe(file.length);
});

test('it says that it is emulated, and is the same for the same request only', () => {
  const file = renderVideo(asked);
  expect(boxesOf(file).get('moov.udta.\u00a9cmt')?.toString('latin1')).toContain('EMULATED VIDEO');
  expect(renderVideo(asked).equals(file)).toBe(true);
  expect(renderVideo({ ...asked, seed: 5 }).equals(file)).toBe(false);
  expect(file.length).toBeLessThan(200_000);
});

test('an upright one is upright', () => {
  const entry = boxesOf(renderVideo({ ...asked, portrait: true })).get(`${table}.stsd`) ?? Buffer.alloc(0);
  expect([entry.readUInt16BE(40), entry.readUInt16BE(42)]).toEqual([144, 256]);
});
