import { open } from 'node:fs/promises';

/** Makes renames and new entries of a directory durable. Windows cannot open directories and needs no such call. */
async function fsyncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Returns a function that makes a directory's entries durable. Calls that arrive while a sync of the
 * same directory runs share the one that follows it, so many concurrent puts cost few syncs, and each
 * is still covered by a sync that began after its rename.
 */
export function createDirectorySync(): (directory: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  const start = (directory: string): Promise<void> => {
    const sync = fsyncDirectory(directory).finally(() => {
      if (running.get(directory) === sync) running.delete(directory);
    });
    running.set(directory, sync);
    return sync;
  };

  return (directory) => {
    const current = running.get(directory);
    if (current === undefined) return start(directory);
    const shared = waiting.get(directory);
    if (shared !== undefined) return shared;
    const next = current
      // The failure of an earlier sync is reported to those who waited for it.
      .catch(() => undefined)
      .then(() => {
        waiting.delete(directory);
        return start(directory);
      });
    waiting.set(directory, next);
    return next;
  };
}
