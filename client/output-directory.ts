import { access, constants, rmdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SluiceError } from '../domain/errors.ts';
import { makeDirectories } from '../storage/make-directories.ts';
import { errno } from '../storage/storage-error.ts';
import { pruneDirectory } from '../storage/prune-directory.ts';
import { displayPath } from './batch-report.ts';
import { sourceName, type InputSource } from './input/source.ts';

const reasons: Record<string, string> = {
  EACCES: 'permission is missing',
  ENOENT: 'nothing can be made there',
  EPERM: 'permission is missing',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'no space is left',
  EEXIST: 'it is a file',
  ENOTDIR: 'a file is in the way',
  ENAMETOOLONG: 'the name is too long',
};

/** Address of a store: an address is kept, a path becomes `file://`. */
export function storeUriOf(output: string): string {
  return /^[a-z][a-z0-9+]+:\/\//i.test(output) ? output : pathToFileURL(resolve(output)).href;
}

/** `<input>.rejected.csv` for an input of that name. */
export function rejectedName(input: string): string {
  const name = basename(input);
  return `${name.slice(0, name.length - extname(name).length) || 'input'}.rejected.csv`;
}

/** `<output>/<input>.rejected.csv`, or null for a store that is no directory. */
export function rejectedPath(storeUri: string, input: InputSource): string | null {
  return storeUri.startsWith('file:') ? join(displayPath(storeUri), rejectedName(sourceName(input))) : null;
}

/**
 * Makes the directory of a batch; does nothing for other stores.
 * @returns what removes it again, as far as it was made here and is empty
 * @throws SluiceError OUTPUT_NOT_WRITABLE
 */
export async function makeDirectory(storeUri: string): Promise<() => Promise<void>> {
  if (!storeUri.startsWith('file:')) return () => Promise.resolve();
  const path = displayPath(storeUri);
  const first = await makeDirectories(path)
    .then(async (made) => {
      await access(path, constants.W_OK | constants.X_OK);
      return made;
    })
    .catch((cause: unknown) => {
      const reason = reasons[errno(cause) ?? ''] ?? String(cause);
      throw new SluiceError('OUTPUT_NOT_WRITABLE', `Cannot write to output directory ${path}: ${reason}.`, { cause });
    });
  return async () => {
    let gone = await pruneDirectory(storeUri, { root: first !== undefined });
    for (let made = path; gone && made !== first;) {
      made = dirname(made);
      gone = await rmdir(made).then(
        () => true,
        () => false,
      );
    }
  };
}
