import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storageError } from '../../storage/storage-error.ts';
import type { Rejected } from './input-entry.ts';

/** Characters gathered before they are written. */
const bufferChars = 64 * 1024;

const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export interface RejectedFile {
  add(rejected: Rejected): Promise<void>;
  /** Puts the file in place, or removes the one of an earlier run when nothing was rejected. */
  finish(): Promise<void>;
  /** Leaves everything as it was. */
  discard(): Promise<void>;
}

/**
 * Writes `row_number,error_type,error_message,raw_data`, streamed beside its final place and renamed at
 * the end. Throws STORAGE_FULL, STORAGE_DENIED or STORAGE_ERROR naming the path.
 */
export function createRejectedFile(path: string): RejectedFile {
  const temporary = join(dirname(path), `.tmp-${randomUUID()}`);
  let handle: FileHandle | undefined;
  let buffered = '';

  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, `cannot write the rejected rows to ${path}`);
    }
  };

  const flush = async (file: FileHandle): Promise<void> => {
    const text = buffered;
    buffered = '';
    await file.writeFile(text);
  };

  return {
    add: (rejected) =>
      attempt(async () => {
        if (handle === undefined) {
          await mkdir(dirname(path), { recursive: true });
          handle = await open(temporary, 'wx');
          buffered = 'row_number,error_type,error_message,raw_data\n';
        }
        buffered += `${rejected.rowNumber},${rejected.errorType},${quote(rejected.message)},${quote(rejected.raw)}\n`;
        if (buffered.length >= bufferChars) await flush(handle);
      }),
    finish: () =>
      attempt(async () => {
        if (handle === undefined) return rm(path, { force: true });
        await flush(handle);
        await handle.close();
        handle = undefined;
        await rename(temporary, path);
      }),
    discard: () =>
      attempt(async () => {
        await handle?.close();
        handle = undefined;
        await rm(temporary, { force: true });
      }),
  };
}
