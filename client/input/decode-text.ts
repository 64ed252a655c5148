import { isAscii } from 'node:buffer';
import iconv from 'iconv-lite';
import { SluiceError } from '../../domain/errors.ts';

/** Bytes looked at to tell UTF-8 from windows-1252, from the first one that is not ASCII. */
const sniffBytes = 1024 * 1024;

export interface DecodeOptions {
  /** Any label iconv-lite knows. @default found out, see {@link decodeText} */
  encoding?: string | undefined;
  /** Told when the text had to be read as something else than UTF-8. */
  onNotice?: ((notice: string) => void) | undefined;
}

const unreadable = (reason: string): SluiceError => new SluiceError('INPUT_UNREADABLE', `the input ${reason}`);

/** The encoding the first bytes give away: a byte order mark, or the NULs of UTF-16 text. */
function encodingOfStart(start: Buffer): string | undefined {
  if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) return 'utf-8';
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le';
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf-16be';
  if (start[0] !== 0 && start[1] === 0 && start[2] !== 0 && start[3] === 0) return 'utf-16le';
  if (start[0] === 0 && start[1] !== 0 && start[2] === 0 && start[3] !== 0) return 'utf-16be';
  if (start.subarray(0, 2).toString('latin1') === 'PK' && start.includes(0)) {
    throw unreadable('is a zip archive, as Excel workbooks are: save the sheet as CSV');
  }
  // A stray NUL costs its row; many mean that this is no text at all.
  const nuls = start.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
  if (nuls > 3 && nuls * 100 > start.length) throw unreadable('is not text: it holds NUL bytes');
  return undefined;
}

/** True unless the bytes have more broken UTF-8 sequences than whole ones. */
function looksLikeUtf8(sample: Buffer): boolean {
  const text = new TextDecoder('utf-8').decode(sample, { stream: true });
  // Text may hold U+FFFD of its own, damaged before it came to us.
  let broken = -(sample.toString('latin1').split('\xef\xbf\xbd').length - 1);
  let whole = 0;
  for (const point of text.replace(/[\0-\x7f]+/g, '')) {
    if (point === '\ufffd') broken++;
    else whole++;
  }
  return broken <= whole;
}

async function* toBuffers(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    const bytes =
      typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (bytes.length > 0) yield bytes;
  }
}

async function* decodeAs(encoding: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = iconv.getDecoder(encoding, { stripBOM: true });
  for await (const chunk of chunks) yield decoder.write(chunk);
  yield decoder.end() ?? '';
}

/** Reads on after `start` until there are this many bytes, or the source ends. */
async function gather(chunks: AsyncIterator<Buffer>, start: Buffer, bytes: number): Promise<Buffer> {
  const parts = [start];
  for (let size = start.length; size < bytes;) {
    const next = await chunks.next();
    if (next.done === true) break;
    parts.push(next.value);
    size += next.value.length;
  }
  return Buffer.concat(parts);
}

/**
 * Decodes text of unknown encoding in one pass and constant memory. A byte order mark decides; else
 * UTF-16 is known by its NULs; else the text is UTF-8, unless the first MiB from its first byte above
 * ASCII on is mostly not: then it is windows-1252, and `onNotice` is told. In UTF-8, single broken
 * bytes become U+FFFD, for which their rows are rejected.
 *
 * Throws INPUT_UNREADABLE for binary files and unknown encodings.
 */
export async function* decodeText(
  source: AsyncIterable<Uint8Array | string>,
  options: DecodeOptions = {},
): AsyncGenerator<string> {
  const { encoding } = options;
  if (encoding !== undefined && !iconv.encodingExists(encoding)) {
    throw unreadable(`cannot be read as ${JSON.stringify(encoding)}: there is no such encoding`);
  }
  const chunks = toBuffers(source);
  try {
    const start = await gather(chunks, Buffer.alloc(0), 4);
    if (start.length === 0) return;
    async function* rest(first: Buffer): AsyncGenerator<Buffer> {
      yield first;
      yield* chunks;
    }

    const known = encoding ?? encodingOfStart(start);
    if (known !== undefined) {
      if (encoding === undefined && known !== 'utf-8') options.onNotice?.(`the input was read as ${known}`);
      yield* decodeAs(known, rest(start));
      return;
    }

    let bytes = start;
    while (isAscii(bytes)) {
      yield bytes.toString('latin1');
      const next = await chunks.next();
      if (next.done === true) return;
      bytes = next.value;
    }
    const sample = await gather(chunks, bytes, sniffBytes);
    const guess = looksLikeUtf8(sample) ? 'utf-8' : 'windows-1252';
    if (guess !== 'utf-8') {
      if (sample.includes(0)) throw unreadable('is not text: it is not UTF-8 and holds NUL bytes');
      options.onNotice?.(`the input is not valid UTF-8 and was read as ${guess}; name another with --encoding`);
    }
    yield* decodeAs(guess, rest(sample));
  } finally {
    await chunks.return(undefined);
  }
}
