import { opendir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryPrefix } from './key.ts';

/** Directories a batch makes in its own. */
export const batchDirectories = ['images', 'videos', 'texts', 'metadata', 'results', 'input'];

/**
 * A put that lives writes to its file, syncs and renames it; nobody comes back to one that has not been
 * written to for this long. Should somebody after all, the put fails and is tried again: nothing is lost.
 */
const staleAfterMs = 600_000;

/**
 * Removes what killed writers left in the directory of a batch: files with the name of an unfinished put
 * that nobody has written to for ten minutes. What cannot be removed stays. Does nothing to a store that is
 * no directory.
 */
export async function removeStaleTemporaries(uri: string): Promise<void> {
  if (!uri.startsWith('file:')) return;
  const root = fileURLToPath(uri);
  await sweep(root, { deep: false });
  for (const name of batchDirectories) await sweep(join(root, name), { deep: true });
}

async function sweep(directory: string, { deep }: { deep: boolean }): Promise<void> {
  try {
    for await (const entry of await opendir(directory)) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && deep) await sweep(path, { deep });
      if (entry.isFile() && isTemporary(entry.name)) await removeIfStale(path);
    }
  } catch {
    // Not there, or not ours to read.
  }
}

async function removeIfStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > staleAfterMs) await unlink(path);
  } catch {
    // Renamed or removed in the meantime, or not ours to remove.
  }
}

function isTemporary(name: string): boolean {
  return name.startsWith(temporaryPrefix) && /^[0-9a-f-]{36}$/.test(name.slice(temporaryPrefix.length));
}
