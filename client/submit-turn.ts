import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { displayPath } from './batch-report.ts';
import { acquireLock, type Lock } from './engine/lock.ts';

/** Directories share this many lock files, so that a home does not collect one for each it ever saw. */
const lockFiles = 64;

/**
 * Waits until no other command of this home submits to the directory (which exists), then keeps others
 * waiting until released. The lock ends with its process, so one that was killed holds nobody up.
 */
export async function takeTurn(home: string, storeUri: string): Promise<Lock> {
  const place = storeUri.startsWith('file:') ? realpathSync(displayPath(storeUri)) : storeUri;
  const number = createHash('sha256').update(place).digest().readUInt32LE() % lockFiles;
  const directory = join(home, 'locks');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return acquireLock(join(directory, `submit-${String(number)}.lock`));
}
