import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** A lock over processes; it ends by `release` or with the process, however that ends. */
export interface Lock {
  release(): void;
}

const sqliteErrorSchema = z.object({ errcode: z.number() });
const sqliteBusy = 5;

/** A lock nobody refers to any more would be closed by the garbage collector. */
const held = new Set<DatabaseSync>();

/**
 * Takes the lock on `file`, or gives null if another process has it.
 *
 * SQLite's exclusive transaction is the lock: the operating system drops it with the process, so
 * after a `kill -9` there is no stale lock to detect and no race in clearing one.
 */
export function tryLock(file: string): Lock | null {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const known = sqliteErrorSchema.safeParse(error);
    if (known.success && known.data.errcode === sqliteBusy) return null;
    throw error;
  }
  held.add(database);
  return {
    release: () => {
      if (held.delete(database)) database.close();
    },
  };
}

/** Takes the lock on `file`, waiting for it as long as it takes. `onWait` is called once if it has to wait. */
export async function acquireLock(file: string, onWait?: () => void): Promise<Lock> {
  let waiting = false;
  for (;;) {
    const lock = tryLock(file);
    if (lock !== null) return lock;
    if (!waiting) onWait?.();
    waiting = true;
    await sleep(50);
  }
}
