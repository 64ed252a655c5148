import { open, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { errno } from '../../storage/storage-error.ts';
import type { CellView, ComparisonCell } from './comparison.ts';

/** One of this size takes 150 MB to decode, as measured, and 700 MB if it has 16 bits a channel. */
const maxDecodedPixels = 25_000_000;
const maxFileBytes = 128 * 1024 * 1024;

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
/** Signature, and the first chunk: length, name, size and flags, checksum. */
const pngHeadBytes = 33;

/** Says from the first bytes of a cell's file what can be shown of it. Never throws: a file may be anything. */
export async function lookAtFile({ file, note }: ComparisonCell): Promise<CellView> {
  const nowhere = (reason: string): CellView => ({ file, size: null, shown: 'nowhere', reason: note ?? reason });
  if (file === null) return nowhere('no picture');
  try {
    const found = await stat(file);
    // Opening what is no file, such as a pipe, may never end.
    if (!found.isFile()) return nowhere('not a file');
    const head = await readHead(file);
    if (head.subarray(0, signature.length).equals(signature)) return lookAtPng(file, head, found.size);
    const type = browserType(head);
    if (type === null) return nowhere('not a picture');
    return { file, size: null, shown: 'page', reason: `${type}: see the HTML page` };
  } catch (error) {
    const code = errno(error) ?? 'unknown reason';
    return nowhere(code === 'ENOENT' ? 'the file is gone' : `the file cannot be read (${code})`);
  }
}

function lookAtPng(file: string, head: Buffer, bytes: number): CellView {
  const damaged: CellView = { file, size: null, shown: 'nowhere', reason: 'damaged PNG' };
  if (head.length < pngHeadBytes || head.toString('latin1', 12, 16) !== 'IHDR') return damaged;
  // A wrong size would distort the whole grid.
  if (crc32(head.subarray(12, 29)) !== head.readUInt32BE(29)) return damaged;
  const [width, height] = [head.readUInt32BE(16), head.readUInt32BE(20)];
  if (width === 0 || height === 0) return damaged;
  const onPage = (reason: string): CellView => ({ file, size: { width, height }, shown: 'page', reason });
  if (width * height > maxDecodedPixels || bytes > maxFileBytes) {
    return onPage(`too large to draw here (${width} x ${height}): see the HTML page`);
  }
  // How much an interlaced one decodes to cannot be bounded beforehand.
  if (head.readUInt8(28) !== 0) return onPage('interlaced PNG: see the HTML page');
  return { file, size: { width, height }, shown: 'grid', reason: '' };
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(pngHeadBytes), 0, pngHeadBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function browserType(head: Buffer): string | null {
  const ascii = head.toString('latin1');
  if (ascii.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'WebP';
  return null;
}
