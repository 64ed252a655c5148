import { isIP } from 'node:net';
import { SluiceError } from '../domain/errors.ts';

/**
 * Where a worker offers its metrics to Prometheus; null where it does not.
 *
 * @param value SLUICE_WORKER_METRICS, such as `127.0.0.1:9464`
 * @throws SluiceError CONFIG_INVALID; for anything but loopback too, because nobody is asked for a password there
 */
export function metricsAddress(value: string | undefined): string | null {
  if (value === undefined) return null;
  const { hostname, port } = URL.canParse(`http://${value}`) ? new URL(`http://${value}`) : { hostname: '', port: '' };
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isLoopback = host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (isLoopback && port !== '') return value;
  throw new SluiceError('CONFIG_INVALID', `SLUICE_WORKER_METRICS: ${value} is not a loopback address with a port.`, {
    action: 'Use an address such as 127.0.0.1:9464.',
  });
}
