import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openStore } from '../../storage/open-store.ts';
import { storageError } from '../../storage/storage-error.ts';

/**
 * Keeps what arrives in a file, as it arrives, so that its size does not matter. The file has a directory of its own
 * and so the name it came with.
 *
 * @returns its path
 * @throws SluiceError STORAGE_FULL, STORAGE_DENIED, STORAGE_ERROR, and what the stream throws; nothing is left then
 */
export async function keepInput(
  parent: string,
  { stream, name }: { stream: AsyncIterable<Uint8Array | string>; name: string },
): Promise<string> {
  const directory = join(parent, randomUUID());
  const path = join(directory, name);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw storageError(error, 'an upload cannot be kept');
    });
    await openStore(pathToFileURL(directory).href).putStream(name, stream);
    return path;
  } catch (error) {
    await forgetInput(path);
    throw error;
  }
}

/** Where inputs are kept that were sent with a schedule. */
export function keptInputs(home: string): string {
  return join(home, 'schedules');
}

/** Removes a file of {@link keepInput}. */
export async function forgetInput(path: string): Promise<void> {
  await rm(dirname(path), { recursive: true, force: true });
}
