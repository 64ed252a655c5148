import { join } from 'node:path';
import { SluiceError } from '../../domain/errors.ts';
import { loadDevServerConfig } from './dev-server-config.ts';
import type { EnginePaths } from './home.ts';
import { packageRoot } from './package-root.ts';

/** SQLITE_CORRUPT and SQLITE_NOTADB as the server logs them @see https://www.sqlite.org/rescode.html */
const damage = /The server did not start .*(database disk image is malformed \(11\)|file is not a database \(26\))/;

/** What to do when the server could not start because its database is damaged; null if that was not why. */
export function damagedDatabase(paths: EnginePaths, reason: string): SluiceError | null {
  const found = damage.exec(reason)?.[1];
  if (found === undefined) return null;
  const { database } = loadDevServerConfig(join(packageRoot, 'temporal-dev.yaml'));
  const file = join(paths.home, database);
  return new SluiceError('ENGINE_START_FAILED', `The engine's database ${file} is damaged: ${found}.`, {
    action:
      `Move it away, with ${database}-wal and ${database}-shm if they are there. Batches that ran are lost to the ` +
      'engine, what they finished is not: run their commands again with --resume.',
  });
}
