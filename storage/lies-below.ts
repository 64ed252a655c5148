import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

/**
 * Whether a path lies below a directory, also when the links on the way to it are followed as they are now. What is
 * not there yet has no links; a link that leads to nothing could lead anywhere, and counts as outside.
 */
export async function liesBelow(directory: string, path: string): Promise<boolean> {
  const root = resolve(directory);
  const target = resolve(path);
  if (!isBelow(root, target)) return false;
  const [realRoot, realTarget] = await Promise.all([followLinks(root), followLinks(target)]);
  return realRoot !== null && realTarget !== null && isBelow(realRoot, realTarget);
}

function isBelow(root: string, path: string): boolean {
  return path !== root && path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The path without links, as far as it exists and can be seen; null where a link leads to nothing. */
async function followLinks(path: string): Promise<string | null> {
  const parent = dirname(path);
  const isThere = await lstat(path).then(
    () => true,
    () => parent === path,
  );
  if (isThere) return realpath(path).catch(() => null);
  const real = await followLinks(parent);
  return real === null ? null : join(real, basename(path));
}
