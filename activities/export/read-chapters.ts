import { glob, readFile, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { batchInfoKey } from '../../domain/batch-info.ts';
import { SluiceError } from '../../domain/errors.ts';
import { openStore } from '../../storage/open-store.ts';
import { readBatchChapters } from './batch-chapters.ts';
import type { Chapter } from './epub.ts';

/** So much text is a library, and would have to fit into memory. */
const maxBytes = 64 * 1024 * 1024;

/** `chapter-2` before `chapter-10`. */
const natural = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/**
 * Reads the chapters of a book from files: a batch's directory (its texts, by chapter number), another directory
 * (its Markdown and text files), or a glob such as `/books/salt/*.md`; files in order of their names, numbers in
 * them counted as numbers.
 *
 * Only Markdown and text files are read, whatever the glob says: a row may come from somebody who is not to see others.
 *
 * @param source path, from the batch's own directory if it is relative, or `file://` address
 * @throws SluiceError INVALID_INPUT where there is nothing to read, or a chapter is missing
 */
export async function readChapters(
  source: string,
  { batchUri, ...options }: { batchUri: string; partial: boolean },
): Promise<Chapter[]> {
  const path = pathOf(source, batchUri);
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) {
    const isBatch = (await stat(join(path, batchInfoKey)).catch(() => null)) !== null;
    if (isBatch) return readBatchChapters(openStore(pathToFileURL(path).href), options);
  }
  const pattern = found?.isDirectory() === true ? join(path, '*') : path;
  const paths = await Array.fromAsync(glob(pattern));
  return readFiles(
    source,
    paths.filter((file) => /\.(md|markdown|txt)$/i.test(file)),
  );
}

function pathOf(source: string, batchUri: string): string {
  if (source.startsWith('file:')) return fileURLToPath(source);
  if (isAbsolute(source) || !batchUri.startsWith('file:')) return source;
  return resolve(fileURLToPath(batchUri), source);
}

async function readFiles(source: string, paths: readonly string[]): Promise<Chapter[]> {
  if (paths.length === 0)
    throw new SluiceError('INVALID_INPUT', `chapters: there are no Markdown or text files at ${source}`);
  const chapters: Chapter[] = [];
  let bytes = 0;
  for (const path of paths.toSorted((a, b) => natural.compare(a, b))) {
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      throw new SluiceError('INVALID_INPUT', `chapters: ${path} cannot be read`, { cause });
    });
    bytes += Buffer.byteLength(text);
    if (bytes > maxBytes) throw new SluiceError('INVALID_INPUT', 'chapters: more than 64 MiB of text');
    chapters.push({ title: titleOf(path), markdown: text.replace(/^\uFEFF/, '') });
  }
  return chapters;
}

/** `02-the-tide.md` → `02 the tide`, for a text without a heading. */
function titleOf(path: string): string {
  return basename(path, extname(path)).replace(/[-_]+/g, ' ').trim();
}
