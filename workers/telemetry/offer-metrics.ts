import { createServer } from 'node:http';
import { Registry } from 'prom-client';
import type { Observer } from '../../activities/observer.ts';
import type { ProviderMode } from '../../domain/ids.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { GpuPool } from '../../providers/gpu-pool/types.ts';
import { addGpuGauges } from './gpu-gauges.ts';
import { createWorkerMetrics } from './worker-metrics.ts';

interface MetricsOptions {
  /** Loopback, with a port; see `metricsAddress`. */
  address: string;
  /** Where the exporter of Temporal's SDK is. */
  sdkAddress: string;
  gpus: Partial<Record<ProviderMode, GpuPool>>;
}

/**
 * Offers a worker's metrics and those of Temporal's SDK as one page, so that a process is scraped once.
 *
 * @returns what is to be told of calls and items
 * @throws SluiceError CONFIG_INVALID when the address is taken
 */
export async function offerMetrics({ address, sdkAddress, gpus }: MetricsOptions): Promise<Observer> {
  const registry = new Registry();
  const observer = createWorkerMetrics(registry);
  addGpuGauges(registry, gpus);
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    readAll(registry, sdkAddress).then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(503).end(),
    );
  });
  const { hostname, port } = new URL(`http://${address}`);
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) => {
      reject(new SluiceError('CONFIG_INVALID', `SLUICE_WORKER_METRICS: ${address} cannot be used: ${message}.`));
    });
    server.listen(Number(port), hostname.replace(/^\[(.*)\]$/, '$1'), resolve);
  });
  // A worker that stops does not wait for who reads its metrics.
  server.unref();
  return observer;
}

async function readAll(registry: Registry, sdkAddress: string): Promise<string> {
  const sdk = await fetch(`http://${sdkAddress}/metrics`, { signal: AbortSignal.timeout(5_000) });
  if (!sdk.ok) throw new Error(`The SDK's exporter answers ${String(sdk.status)}.`);
  return `${await registry.metrics()}${await sdk.text()}`;
}
