import { fileURLToPath } from 'node:url';
import { SluiceError } from '../domain/errors.ts';
import { createFileStore } from './file-store.ts';
import type { Store } from './store.ts';

/**
 * Opens the store a URI names. Knows `file://`; this is the place where other schemes join.
 * Throws USAGE for a URI it cannot open; touches nothing until the store is used.
 */
export function openStore(uri: string): Store {
  if (!URL.canParse(uri)) {
    throw new SluiceError('USAGE', `"${uri}" is not a storage address: use file:///absolute/path`);
  }
  const { protocol, host } = new URL(uri);
  if (protocol !== 'file:') {
    throw new SluiceError('USAGE', `storage "${protocol}//" is not supported: use file:///absolute/path`);
  }
  if (host !== '' && process.platform !== 'win32') {
    throw new SluiceError(
      'USAGE',
      `"${uri}" names a host: a directory is written with three slashes, file:///absolute/path`,
    );
  }
  return createFileStore(fileURLToPath(uri));
}
