import { join } from 'node:path';
import { forgetInput, keepInput } from '../../client/input/kept-input.ts';
import type { InputSource } from '../../client/input/source.ts';
import type { ArrivingInput } from '../../providers/http/fetch-input.ts';

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
  const path = await keepInput(join(home, 'uploads'), input);
  try {
    return await use({ path, name: input.name });
  } finally {
    await forgetInput(path);
  }
}
