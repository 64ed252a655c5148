import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../domain/errors.ts';
import { liesBelow } from '../storage/lies-below.ts';
import { outputRootOf, type ApiSettings } from './api-settings.ts';
import { keptInputs } from './input/kept-input.ts';

/**
 * Throws OUTPUT_OUTSIDE unless a directory lies below the one that batches of the REST service are written to, the
 * links on the way to it and in it followed.
 */
export async function assertOutputBelow(
  home: string,
  settings: Pick<ApiSettings, 'output_root'>,
  path: string,
): Promise<void> {
  const root = outputRootOf(home, settings);
  const checked = (await liesBelow(root, path)) ? await linksIn(path) : [root];
  for (const place of checked) {
    if (await liesBelow(root, place)) continue;
    throw new SluiceError('OUTPUT_OUTSIDE', 'output: must be a path below the directory batches are written to.');
  }
}

async function linksIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => join(directory, name));
}

/** Throws INPUT_OUTSIDE unless a file was sent with a schedule, or lies below the directory that they may read. */
export async function assertInputBelow(
  home: string,
  { input_root: root }: Pick<ApiSettings, 'input_root'>,
  path: string,
): Promise<void> {
  if (await liesBelow(keptInputs(home), path)) return;
  if (root !== undefined && (await liesBelow(root, path))) return;
  throw new SluiceError('INPUT_OUTSIDE', 'path: must be a path below the directory that inputs may lie in.');
}
