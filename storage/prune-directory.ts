import { readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryPrefix } from './key.ts';
import { errno, storageError } from './storage-error.ts';

/** Directories a batch makes in its own. */
const batchDirectories = ['images', 'videos', 'texts', 'metadata', 'results', 'input'];

function isTemporary(name: string): boolean {
  return name.startsWith(temporaryPrefix) && /^[0-9a-f-]{36}$/.test(name.slice(temporaryPrefix.length));
}

/**
 * Removes the directories of a batch that hold nothing but temporary files of puts that were cut off.
 * Does nothing to a store that is no directory. To be called when nobody writes there any more.
 *
 * @param options.root whether the batch's own directory may go too
 * @returns whether the batch's own directory is gone
 * @throws SluiceError STORAGE_*
 */
export async function pruneDirectory(uri: string, options: { root: boolean }): Promise<boolean> {
  if (!uri.startsWith('file:')) return false;
  const root = fileURLToPath(uri);
  try {
    for (const name of batchDirectories) await prune(join(root, name), { deep: true });
    return options.root && (await prune(root, { deep: false }));
  } catch (error) {
    throw storageError(error, `cannot tidy up ${root}`);
  }
}

async function prune(directory: string, { deep }: { deep: boolean }): Promise<boolean> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return null;
    throw error;
  });
  if (entries === null) return false;
  let left = 0;
  for (const entry of entries) {
    const path = join(directory, entry.name);
    const gone = entry.isDirectory()
      ? deep && (await prune(path, { deep }))
      : isTemporary(entry.name) && (await unlink(path).then(() => true));
    if (!gone) left += 1;
  }
  if (left > 0) return false;
  await rmdir(directory);
  return true;
}
