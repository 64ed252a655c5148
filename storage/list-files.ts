import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryPrefix } from './key.ts';
import { errno, storageError } from './storage-error.ts';

interface ListedFile {
  key: string;
  size: number;
  modifiedAt: Date;
}

/** Files looked at together: hides the latency of `stat` without flooding the thread pool. */
const statBatch = 32;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Entries of a directory, sorted as whole keys are: a directory sorts with its `/`. */
async function entriesOf(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.name.startsWith(temporaryPrefix))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort(compare);
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return [];
    throw error;
  }
}

async function statOrGone(root: string, key: string): Promise<ListedFile | null> {
  try {
    const found = await stat(join(root, key));
    return found.isFile() ? { key, size: found.size, modifiedAt: found.mtime } : null;
  } catch (error) {
    if (errno(error) === 'ENOENT') return null;
    throw error;
  }
}

async function* walk(root: string, prefix: string): AsyncGenerator<ListedFile> {
  let pending: string[] = [];
  async function* flush(): AsyncGenerator<ListedFile> {
    const found = await Promise.all(pending.map((key) => statOrGone(root, key)));
    pending = [];
    for (const file of found) if (file !== null) yield file;
  }
  for (const name of await entriesOf(join(root, prefix))) {
    if (name.endsWith('/')) {
      yield* flush();
      yield* walk(root, prefix + name);
    } else if (pending.push(prefix + name) === statBatch) {
      yield* flush();
    }
  }
  yield* flush();
}

/** Files below `prefix` (empty, or ending in `/`), sorted by key; those that vanish meanwhile are left out. */
export async function* listFiles(root: string, prefix: string, uri: string): AsyncGenerator<ListedFile> {
  try {
    yield* walk(root, prefix);
  } catch (error) {
    throw storageError(error, `cannot list ${prefix} in ${uri}`);
  }
}
