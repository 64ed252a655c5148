import { SluiceError, type ErrorCode } from '../domain/errors.ts';

const codes: Record<string, ErrorCode> = {
  ENOSPC: 'STORAGE_FULL',
  EDQUOT: 'STORAGE_FULL',
  EACCES: 'STORAGE_DENIED',
  EPERM: 'STORAGE_DENIED',
  EROFS: 'STORAGE_DENIED',
};

const reasons: Partial<Record<ErrorCode, string>> = {
  STORAGE_FULL: 'no space is left',
  STORAGE_DENIED: 'permission is missing',
};

/** The errno name of a failed system call, e.g. `ENOENT`. */
export function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Turns a failed file operation into STORAGE_FULL, STORAGE_DENIED or STORAGE_ERROR.
 * @param doing what failed and on what, e.g. `cannot write images/cat.png in file:///data/out`
 */
export function storageError(error: unknown, doing: string): SluiceError {
  const cause = errno(error);
  const code = codes[cause ?? ''] ?? 'STORAGE_ERROR';
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  return new SluiceError(code, `${doing}: ${reason}${cause === undefined ? '' : ` (${cause})`}`, { cause: error });
}
