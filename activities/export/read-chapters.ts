import { glob, readFile, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join } from 'node:path';
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
 * @param source absolute path or `file://` address
 * @throws SluiceError INVALID_INPUT where there is nothing to read, or a chapter is missing
 */
export async function readChapters(source: string, options: { partial: boolean }): Promise<Chapter[]> {
  const path = source.startsWith('file:') ? fileURLToPath(source) : source;
  if (!isAbsolute(path)) throw new SluiceError('INVALID_INPUT', `chapters: "${source}" must be an absolute path`);
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) {
    const isBatch = (await stat(join(path, batchInfoKey)).catch(() => null)) !== null;
    if (isBatch) return readBatchChapters(openStore(pathToFileURL(path).href), options);
  }
  const pattern = found === null ? path : found.isDirectory() ? join(path, '*.{md,markdown,txt}') : path;
  return readFiles(source, await Array.fromAsync(glob(pattern)));
}

async function readFiles(source: string, paths: readonly string[]): Promise<Chapter[]> {
  if (paths.length === 0) throw new SluiceError('INVALID_INPUT', `chapters: there are no files at ${source}`);
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
