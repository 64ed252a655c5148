import { SluiceError } from '../domain/errors.ts';

/**
 * The base address of an API with its version and without a trailing slash.
 *
 * @param version added where the path does not end in one, e.g. `v1`
 * @throws SluiceError CONFIG_INVALID when it is no http(s) address.
 */
export function baseAddress(vendor: string, address: string, version: string): URL {
  const url = URL.parse(address.trim());
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new SluiceError('CONFIG_INVALID', `The base address of ${vendor} is not an http(s) address.`);
  }
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = /\/v\d+(alpha|beta)?\d*$/.test(path) ? path : `${path}/${version}`;
  url.search = '';
  url.hash = '';
  return url;
}
