import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forgetInput, keepInput } from '../../client/input/kept-input.ts';
import type { InputSource } from '../../client/input/source.ts';
import type { ArrivingInput } from '../../providers/http/fetch-input.ts';
import { storageError } from '../../storage/storage-error.ts';

/** Uploads under way, and a note of each batch that is being made: all that a service that was killed leaves. */
function uploads(home: string): string {
  return join(home, 'uploads');
}

/**
 * Keeps what arrives in a file while `use` runs, for what has to be read twice: to be compared with what came
 * before under the same key, and to be staged.
 *
 * @throws SluiceError STORAGE_FULL, STORAGE_DENIED, STORAGE_ERROR
 */
export async function withKept<T>(
  home: string,
  input: ArrivingInput,
  use: (source: InputSource) => Promise<T>,
): Promise<T> {
  const path = await keepInput(uploads(home), input);
  try {
    return await use({ path, name: input.name });
  } finally {
    await forgetInput(path);
  }
}

/** Notes that a batch is being made. @returns what removes the note. @throws SluiceError STORAGE_* */
export async function noteBegun(home: string, batchId: string): Promise<() => Promise<void>> {
  const note = join(uploads(home), batchId);
  try {
    await mkdir(uploads(home), { recursive: true, mode: 0o700 });
    await writeFile(note, '', { mode: 0o600 });
  } catch (error) {
    throw storageError(error, 'a batch cannot be begun');
  }
  return () => rm(note, { force: true });
}

/** Removes what a service left that was killed. @returns the batches it was making */
export async function takeNotes(home: string): Promise<string[]> {
  const left = await readdir(uploads(home)).catch(() => []);
  await rm(uploads(home), { recursive: true, force: true });
  return left.filter((name) => name.startsWith('batch_'));
}
