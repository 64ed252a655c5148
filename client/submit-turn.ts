import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { displayPath } from './batch-report.ts';
import { acquireLock, type Lock } from './engine/lock.ts';

/** Directories share this many lock files, so that not one is kept for each that was ever seen. */
const lockFiles = 64;

/**
 * Waits until no other command of this user, of whatever home, submits to the directory (which exists), then keeps
 * others waiting until released. The lock ends with its process, so one that was killed holds nobody up.
 */
export async function takeTurn(storeUri: string): Promise<Lock> {
  const place = storeUri.startsWith('file:') ? realpathSync(displayPath(storeUri)) : storeUri;
  const number = createHash('sha256').update(place).digest().readUInt32LE() % lockFiles;
  return acquireLock(join(tmpdir(), `sluice-${userInfo().uid}-submit-${String(number)}.lock`));
}
