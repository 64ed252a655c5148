import { SluiceError, type ErrorCode } from '../../domain/errors.ts';

/** @see https://sqlite.org/rescode.html */
const codes: Record<number, ErrorCode> = {
  3: 'STORAGE_DENIED',
  8: 'STORAGE_DENIED',
  13: 'STORAGE_FULL',
  14: 'STORAGE_DENIED',
};
const fileCodes: Record<string, ErrorCode> = {
  EACCES: 'STORAGE_DENIED',
  EPERM: 'STORAGE_DENIED',
  EROFS: 'STORAGE_DENIED',
  ENOSPC: 'STORAGE_FULL',
  EDQUOT: 'STORAGE_FULL',
};
const corrupt = [11, 26];

/** Whether another process holds the file. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === 5;
}

/** What a database is for, in the words of its errors. */
export interface DatabaseName {
  /** e.g. `The rate limiter's log`. */
  what: string;
  /** What to do when the file is damaged. */
  mend: string;
  path: string;
}

/** A failure of SQLite or of its file as a SluiceError; anything else as it is. */
export function sqliteError({ what, mend, path }: DatabaseName, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = `${what} ${path} cannot be used: ${error.message}`;
  const primary = primaryCode(error);
  if (primary !== undefined) {
    const advice = corrupt.includes(primary) ? { action: mend } : {};
    return new SluiceError(codes[primary] ?? 'STORAGE_ERROR', message, { ...advice, cause: error });
  }
  if ('code' in error && typeof error.code === 'string' && 'syscall' in error) {
    return new SluiceError(fileCodes[error.code] ?? 'STORAGE_ERROR', message, { cause: error });
  }
  return error;
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  // The low byte is the primary code, the rest its details.
  return error.errcode & 0xff;
}
