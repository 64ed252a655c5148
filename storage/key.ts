import { SluiceError } from '../domain/errors.ts';

/** Files of unfinished puts start with this; no key may. */
export const temporaryPrefix = '.tmp-';

/**
 * Throws STORAGE_ERROR unless a key is relative, `/`-separated and stays in its store: no empty, `.` or
 * `..` segment, no backslash, no NUL, and not the name of a temporary file.
 */
export function checkKey(key: string): void {
  const sound =
    !/[\\\0]/.test(key) &&
    key.split('/').every((segment) => !['', '.', '..'].includes(segment) && !segment.startsWith(temporaryPrefix));
  if (!sound) throw new SluiceError('STORAGE_ERROR', `${JSON.stringify(key)} is not a valid key`);
}
