import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errno } from './storage-error.ts';

/**
 * Makes a directory and those above it that are missing. Node's own `recursive` never ends in a file system that
 * says something is missing whatever is to be made, as /proc does.
 *
 * @returns the topmost one that was made; undefined if all were there
 * @throws what `mkdir` throws
 */
export async function makeDirectories(path: string): Promise<string | undefined> {
  try {
    return await makeOne(path);
  } catch (error) {
    if (errno(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  const first = await makeDirectories(dirname(path));
  const own = await makeOne(path);
  return first ?? own;
}

async function makeOne(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    if (errno(error) === 'EEXIST' && (await stat(path)).isDirectory()) return undefined;
    throw error;
  }
}
