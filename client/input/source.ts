import { createReadStream, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { SluiceError } from '../../domain/errors.ts';
import { publicUrl, readUrl } from './read-url.ts';

/**
 * Where items come from: a file, the text files a pattern matches (each a record), an http(s) address, records or
 * text at hand, or anything that yields bytes or text (stdin, an upload).
 */
export type InputSource =
  | { path: string; name?: string }
  | { glob: string }
  | { url: string }
  | { rows: readonly Readonly<Record<string, unknown>>[]; name?: string }
  | { text: string }
  | { stream: AsyncIterable<Uint8Array | string>; name?: string };

/** @default 'auto': by the file's extension, else by the first character (`{` is JSONL) */
export type InputFormat = 'auto' | 'csv' | 'jsonl';

/** What a text names: an http(s) address, a pattern of files, or the path of one. */
export function sourceOf(text: string): InputSource {
  if (isAddress(text)) return { url: text };
  return /[*?[{]/.test(text) && !existsSync(text) ? { glob: text } : { path: text };
}

export function isAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** Directory that relative paths of a source are relative to. */
export function sourceDirectory(source: InputSource): string {
  return 'path' in source ? dirname(source.path) : process.cwd();
}

/** What messages call a source. */
export function sourceName(source: InputSource): string {
  if ('glob' in source) return source.glob;
  if ('url' in source) return publicUrl(source.url);
  const name = 'text' in source ? undefined : source.name;
  return name || ('path' in source ? source.path : 'the input');
}

async function* readPath(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 256 * 1024 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new SluiceError('INPUT_NOT_FOUND', `${path} does not exist`, { cause: error });
    const reason =
      code === 'EISDIR'
        ? 'is a directory'
        : `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    throw new SluiceError('INPUT_UNREADABLE', `${path} ${reason}`, { cause: error });
  }
}

/** What is read as text: all but records, which are records already. */
export type TextSource = Exclude<InputSource, { glob: string } | { rows: unknown }>;

/** The chunks of a source. Throws INPUT_NOT_FOUND or INPUT_UNREADABLE once read. */
export function readSource(source: TextSource): AsyncIterable<Uint8Array | string> {
  if ('path' in source) return readPath(source.path);
  if ('url' in source) return readUrl(source.url);
  return 'text' in source ? Readable.from([source.text]) : source.stream;
}
