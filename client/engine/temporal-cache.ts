import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Version of the temporal CLI that is downloaded or built. Known to build with `go install`; v1.9.1 does not. */
export const temporalVersion = '1.5.1';

/** What the engine asks of `temporal server start-dev`; versions from 1.1 have it. */
const neededFlags = ['--db-filename', '--ui-port', '--sqlite-pragma', '--search-attribute', '--dynamic-config-value'];

/** Sluice's directory for what is built or fetched once for all homes (`XDG_CACHE_HOME`, else `~/.cache`). */
export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'sluice');
}

export function cachedTemporal(env: NodeJS.ProcessEnv): string {
  return join(cacheDirectory(env), `temporal-${temporalVersion}`, 'temporal');
}

/** First executable of that name on PATH; null if there is none. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | null {
  const directories = (env['PATH'] ?? '').split(delimiter).filter((directory) => isAbsolute(directory));
  return directories.map((directory) => join(directory, name)).find(isExecutable) ?? null;
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Missing or not ours to run: either way not an answer.
    return false;
  }
}

/** Whether this `temporal` can run the engine's server. */
export async function isUsableTemporal(file: string): Promise<boolean> {
  if (!isExecutable(file)) return false;
  try {
    const { stdout } = await run(file, ['server', 'start-dev', '--help'], { timeout: 15_000 });
    return neededFlags.every((flag) => stdout.includes(flag));
  } catch {
    // A file that cannot be run, or another program by that name.
    return false;
  }
}
