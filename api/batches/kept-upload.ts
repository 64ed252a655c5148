import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { InputSource } from '../../client/input/source.ts';
import { storageError } from '../../storage/storage-error.ts';
import type { ArrivingInput } from './fetch-input.ts';

/**
 * Keeps what arrives in a file while `use` runs, for what has to be read twice: to be compared with what came
 * before under the same key, and to be staged. As it arrives, so that its size does not matter.
 *
 * @throws SluiceError STORAGE_FULL, STORAGE_DENIED, STORAGE_ERROR
 */
export async function withKept<T>(
  home: string,
  { stream, name }: ArrivingInput,
  use: (source: InputSource) => Promise<T>,
): Promise<T> {
  // A directory of its own, so that the file can have the name it came with.
  const directory = join(home, 'uploads', randomUUID());
  const path = join(directory, name);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = createWriteStream(path, { mode: 0o600 });
    file.on('error', (error: Error) => file.destroy(storageError(error, 'an upload cannot be kept')));
    await pipeline(stream, file);
    return await use({ path, name });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
