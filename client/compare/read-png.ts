import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';

const signatureBytes = 8;
/** Of a chunk: length and name before its data, checksum after. */
const chunkBytes = { before: 8, after: 4 };
/** Samples a pixel, by colour type. */
const channels: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/**
 * Decodes a PNG that is not interlaced. Its data are inflated and measured first: where they end early, pngjs
 * goes on with whatever the memory holds, and may take that for a picture.
 *
 * @throws Error when it is damaged
 */
export function readPng(file: Buffer): PNG {
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const bits = file.readUInt8(24) * (channels[file.readUInt8(25)] ?? 0);
  const expected = (Math.ceil((width * bits) / 8) + 1) * height;
  // One byte more, so that too many are told from enough.
  const data = inflateSync(imageData(file), { maxOutputLength: expected + 1 });
  if (data.length !== expected) throw new Error('The image data have another length than the header says.');
  return PNG.sync.read(file);
}

function imageData(file: Buffer): Buffer {
  const found: Buffer[] = [];
  for (let at = signatureBytes; at + chunkBytes.before <= file.length;) {
    const start = at + chunkBytes.before;
    const end = start + file.readUInt32BE(at);
    if (file.toString('latin1', at + 4, start) === 'IDAT') found.push(file.subarray(start, end));
    at = end + chunkBytes.after;
  }
  return Buffer.concat(found);
}
