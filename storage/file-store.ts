import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkKey, temporaryPrefix } from './key.ts';
import { listFiles } from './list-files.ts';
import { makeDirectories } from './make-directories.ts';
import { errno, storageError } from './storage-error.ts';
import type { Store } from './store.ts';
import { createDirectorySync } from './sync-directory.ts';

const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errno(error) ?? '');

/**
 * A store in a directory, made when first written to. A put writes `.tmp-<uuid>` beside its target,
 * syncs it, renames it over the target and syncs the directory: a reader or a crash sees the old object
 * or the new one, never a part. A process killed during a put leaves its temporary file behind, which no
 * method shows and {@link removeStaleTemporaries} removes.
 */
export function createFileStore(directory: string): Store {
  const root = resolve(directory);
  const uri = pathToFileURL(root).href;
  const syncDirectory = createDirectorySync();
  /** Directories being made: a put that already finds its directory still waits until it lasts. */
  const making = new Set<Promise<void>>();

  const pathOf = (key: string): string => {
    checkKey(key);
    return join(root, ...key.split('/'));
  };

  const makeDirectory = async (path: string): Promise<void> => {
    const first = await makeDirectories(path);
    if (first === undefined) return;
    // A directory lasts once its parent is synced, from the lowest new one up to the first that existed.
    for (let made = path; made !== dirname(first); made = dirname(made)) await syncDirectory(dirname(made));
  };

  const openTemporary = async (path: string): Promise<FileHandle> => {
    try {
      return await open(path, 'wx');
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error;
      const made = makeDirectory(dirname(path));
      making.add(made);
      await made.finally(() => making.delete(made));
      return open(path, 'wx');
    }
  };

  const write = async (key: string, chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>) => {
    const target = pathOf(key);
    const temporary = join(dirname(target), `${temporaryPrefix}${randomUUID()}`);
    const attempt = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work;
      } catch (error) {
        throw storageError(error, `cannot write ${key} in ${uri}`);
      }
    };
    const handle = await attempt(openTemporary(temporary));
    try {
      try {
        // An error of the source is the caller's own and passes as it is.
        for await (const chunk of chunks) await attempt(handle.writeFile(chunk));
        await attempt(handle.sync());
      } finally {
        await attempt(handle.close());
      }
      await attempt(rename(temporary, target));
    } catch (error) {
      // What made the put fail is worth more than a temporary file that cannot be removed either.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await attempt(Promise.all([syncDirectory(dirname(target)), ...making]));
  };

  /** Runs a read; null when there is no such key. */
  const read = async <T>(key: string, work: (path: string) => Promise<T>): Promise<T | null> => {
    const path = pathOf(key);
    try {
      return await work(path);
    } catch (error) {
      if (isMissing(error)) return null;
      throw storageError(error, `cannot read ${key} in ${uri}`);
    }
  };

  const statFile = async (path: string): Promise<{ size: number; modifiedAt: Date } | null> => {
    const found = await stat(path);
    return found.isFile() ? { size: found.size, modifiedAt: found.mtime } : null;
  };

  return {
    uri,
    put: (key, bytes) => write(key, [bytes]),
    putStream: (key, chunks) => write(key, chunks),
    get: (key) => read(key, (path) => readFile(path)),
    getRange: (key, offset, length) => read(key, (path) => readRange(path, offset, length)),
    async getStream(key) {
      const found = await read(key, statFile);
      return found === null ? null : streamFile(pathOf(key), `cannot read ${key} in ${uri}`);
    },
    stat: (key) => read(key, statFile),
    list(prefix) {
      if (prefix !== '') checkKey(prefix.replace(/\/$/, ''));
      return listFiles(root, prefix, uri);
    },
    freeBytes: () => freeBytesAt(root, uri),
    async delete(key) {
      const path = pathOf(key);
      try {
        await unlink(path);
      } catch (error) {
        if (!isMissing(error)) throw storageError(error, `cannot delete ${key} in ${uri}`);
      }
    },
  };
}

/** Of the file system a directory is on, or will be on once it is made. */
async function freeBytesAt(directory: string, uri: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(directory);
    if (errno(error) === 'ENOENT' && parent !== directory) return freeBytesAt(parent, uri);
    throw storageError(error, `cannot tell the free space of ${uri}`);
  }
}

async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const available = Math.max(0, (await handle.stat()).size - offset);
    const buffer = Buffer.alloc(Math.min(length, available));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

async function* streamFile(path: string, doing: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield Buffer.from(chunk);
  } catch (error) {
    throw storageError(error, doing);
  }
}
