import type { FastifyRequest } from 'fastify';
import type { ApiSettings } from '../../client/api-settings.ts';
import { SluiceError } from '../../domain/errors.ts';

const ownNames = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests that a browser was tricked into: by a name that leads here but is not ours (DNS rebinding),
 * or from a page that is not ours (cross-site requests).
 *
 * @throws SluiceError FORBIDDEN
 */
export function createSameSiteCheck({ host, allowed_hosts: allowed }: ApiSettings): (request: FastifyRequest) => void {
  const names = new Set(
    [...ownNames, host.includes(':') ? `[${host}]` : host, ...allowed].map((name) => name.toLowerCase()),
  );
  const isOwn = (name: string | null): boolean => name !== null && names.has(name);
  return ({ headers }) => {
    if (!isOwn(nameOf(`http://${headers.host ?? ''}`))) {
      throw new SluiceError('FORBIDDEN', 'This service is not known by that name.', {
        action: 'Call it by its address, or add the name to allowed_hosts of api: in the configuration.',
      });
    }
    const { origin } = headers;
    const crossSite = headers['sec-fetch-site'] === 'cross-site';
    if (origin === undefined ? crossSite : !isOwn(nameOf(origin)) || !samePort(origin, headers.host ?? '')) {
      throw new SluiceError('FORBIDDEN', 'Pages of other sites may not use this service.');
    }
  };
}

function nameOf(address: string): string | null {
  return URL.canParse(address) ? new URL(address).hostname.toLowerCase() : null;
}

/** Another port is another site, if only another program of this machine. */
function samePort(origin: string, host: string): boolean {
  const own = new URL(`${new URL(origin).protocol}//${host}`);
  return new URL(origin).port === own.port;
}
