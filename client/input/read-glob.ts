import { glob, readFile, stat } from 'node:fs/promises';
import { extname, relative, resolve, sep } from 'node:path';
import { SluiceError } from '../../domain/errors.ts';
import type { InputEntry } from './input-entry.ts';

/** A text file is a record: that of a book, not of a library. */
const maxBytes = 1024 * 1024;

/**
 * Every text file that a pattern matches is a record: `id` from its path, `path` (absolute) and `text`, its content.
 * Files come in the order of their paths. Memory holds the paths of all of them, and one file.
 *
 * @throws SluiceError INPUT_NOT_FOUND when nothing matches
 */
export async function* readGlob(pattern: string): AsyncGenerator<InputEntry> {
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(resolve(path));
  if (paths.length === 0) {
    throw new SluiceError('INPUT_NOT_FOUND', `${pattern} matches no file`, {
      action: 'Check the pattern, and quote it, so that the shell leaves it alone.',
    });
  }
  const base = baseOf(pattern);
  const stems = new Map<string, number>();
  for (const path of paths) stems.set(stemOf(base, path), (stems.get(stemOf(base, path)) ?? 0) + 1);
  let rowNumber = 0;
  for (const path of paths.toSorted()) {
    const entry = await readEntry(path, base, stems);
    if (entry === null) continue;
    rowNumber += 1;
    yield { ...entry, rowNumber };
  }
}

/** The directory below which all matches lie. */
function baseOf(pattern: string): string {
  const parts = pattern.split(/[/\\]/);
  const magic = parts.findIndex((part) => /[*?[\]{}!]/.test(part));
  return resolve(parts.slice(0, magic === -1 ? -1 : magic).join(sep) || (pattern.startsWith('/') ? '/' : '.'));
}

/** `part-1/02.md` is the record `part-1~02`: ids hold no slash. */
function stemOf(base: string, path: string): string {
  const own = relative(base, path);
  return own.slice(0, own.length - extname(own).length).replaceAll(sep, '~');
}

/** Null: a directory. */
async function readEntry(path: string, base: string, stems: ReadonlyMap<string, number>): Promise<InputEntry | null> {
  const stem = stemOf(base, path);
  const id = (stems.get(stem) ?? 0) > 1 ? `${stem}${extname(path)}` : stem;
  const rejected = (message: string): InputEntry => {
    return { kind: 'rejected', rowNumber: 0, errorType: 'validation_error', message, raw: path };
  };
  try {
    const found = await stat(path);
    if (found.isDirectory()) return null;
    if (found.size > maxBytes)
      return rejected(`text: must be at most ${String(maxBytes)} bytes (got ${String(found.size)})`);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
    if (text.includes('\0')) return rejected('text: is no text, but has NUL characters');
    const cells = Object.entries({ id, path, text });
    return { kind: 'row', rowNumber: 0, cells, raw: path };
  } catch (error) {
    if (error instanceof TypeError) return rejected('text: is no UTF-8 text');
    return rejected(`text: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
