import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { batchDirectories, removeStaleTemporaries } from './stale-temporaries.ts';
import { errno, storageError } from './storage-error.ts';

/**
 * Removes the directories of a batch that hold nothing but what killed writers left.
 * Does nothing to a store that is no directory.
 *
 * @param options.root whether the batch's own directory may go too
 * @returns whether the batch's own directory is gone
 * @throws SluiceError STORAGE_*
 */
export async function pruneDirectory(uri: string, options: { root: boolean }): Promise<boolean> {
  if (!uri.startsWith('file:')) return false;
  const root = fileURLToPath(uri);
  await removeStaleTemporaries(uri);
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
    const gone = entry.isDirectory() && deep && (await prune(join(directory, entry.name), { deep }));
    if (!gone) left += 1;
  }
  if (left > 0) return false;
  return removeEmpty(directory);
}

/** False if a writer has come before us. */
async function removeEmpty(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    if (errno(error) === 'ENOTEMPTY' || errno(error) === 'ENOENT') return false;
    throw error;
  }
}
