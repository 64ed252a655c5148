import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../domain/errors.ts';
import { acquireLock } from './lock.ts';
import { buildTemporal, downloadTemporal } from './obtain-temporal.ts';
import { cacheDirectory, cachedTemporal, findOnPath, isExecutable, isUsableTemporal } from './temporal-cache.ts';

/**
 * Path of a `temporal` that can run the engine's server: the one on PATH, else our cached one, else one
 * downloaded, else one built with Go. Two processes never fetch or build at once.
 *
 * @param notice told what takes long
 * @throws SluiceError TEMPORAL_BINARY_MISSING with what was tried
 */
export async function findTemporal(env: NodeJS.ProcessEnv, notice: (line: string) => void): Promise<string> {
  const onPath = findOnPath('temporal', env);
  if (onPath !== null && (await isUsableTemporal(onPath))) return onPath;
  // Needs no second look: only whole files of the wanted version are moved into the cache.
  const cached = cachedTemporal(env);
  if (isExecutable(cached)) return cached;

  mkdirSync(cacheDirectory(env), { recursive: true });
  const lock = await acquireLock(join(cacheDirectory(env), 'temporal.lock'), () => {
    notice('Waiting for another process that is getting the Temporal server…');
  });
  try {
    if (isExecutable(cached)) return cached;
    notice('Getting the Temporal server once…');
    const download = await downloadTemporal(env);
    if (download === null) return cached;
    if (findOnPath('go', env) !== null) notice('Building the Temporal server once (about 7 minutes)…');
    const build = await buildTemporal(env);
    if (build === null) return cached;
    const tried = [
      onPath === null ? 'no temporal on PATH' : `${onPath} is too old`,
      `no download (${download.reason})`,
      `no build (${build.reason})`,
    ];
    throw new SluiceError('TEMPORAL_BINARY_MISSING', `No Temporal server was found: ${tried.join('; ')}.`);
  } finally {
    lock.release();
  }
}
