import { constants, crc32, deflateSync } from 'node:zlib';

/** An indexed image: one byte a pixel, each row led by PNG's filter byte (0: none), ready to be compressed. */
export interface IndexedImage {
  width: number;
  height: number;
  /** `height` rows of `width + 1` bytes. */
  rows: Uint8Array;
  /** RGB triples, at most 256. */
  palette: readonly (readonly [number, number, number])[];
  /** `rows` after {@link compressRows}, where that was done ahead. */
  compressed?: Buffer;
}

/** The costly part of writing a PNG. */
export function compressRows(rows: Uint8Array): Buffer {
  return deflateSync(rows, { level: 1, strategy: constants.Z_RLE });
}

/**
 * Writes a PNG with text chunks. Palette and run-length compression, because an emulator must cost less
 * than what it stands in for: the same picture in true colour takes about four times the CPU.
 *
 * @see https://www.w3.org/TR/png-3/
 */
export function encodePng(image: IndexedImage, texts: Record<string, string>): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(image.width, 0);
  header.writeUInt32BE(image.height, 4);
  header.writeUInt8(8, 8); // bits a pixel
  header.writeUInt8(3, 9); // colour type: palette
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(image.palette.flat())),
    ...Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text)),
    chunk('IDAT', image.compressed ?? compressRows(image.rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** tEXt where Latin-1 will do, else iTXt, which is UTF-8. Neither may hold a NUL. */
function textChunk(keyword: string, text: string): Buffer {
  const clean = text.replaceAll('\0', '');
  return Buffer.from(clean, 'latin1').toString('latin1') === clean
    ? chunk('tEXt', Buffer.from(`${keyword}\0${clean}`, 'latin1'))
    : chunk('iTXt', Buffer.from(`${keyword}\0\0\0\0\0${clean}`, 'utf8'));
}

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(data.byteLength + 12);
  bytes.writeUInt32BE(data.byteLength, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.byteLength)), 8 + data.byteLength);
  return bytes;
}
