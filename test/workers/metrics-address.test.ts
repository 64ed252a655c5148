import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { metricsAddress } from '../../workers/metrics-address.ts';
import { offerMetrics } from '../../workers/telemetry/offer-metrics.ts';

test('a worker offers metrics only where it is told to, and only on this machine', () => {
  expect(metricsAddress(undefined)).toBeNull();
  expect(metricsAddress('127.0.0.1:9464')).toBe('127.0.0.1:9464');
  expect(metricsAddress('[::1]:9464')).toBe('[::1]:9464');
  for (const value of [
    '0.0.0.0:9464',
    '10.0.0.7:9464',
    '127.0.0.1',
    'example.org:9464',
    '9464',
    '127.evil.example:1',
  ]) {
    expect(() => metricsAddress(value)).toThrow(/loopback/);
  }
});

test('an address that is taken is named', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  await expect(offerMetrics({ address, sdkAddress: '127.0.0.1:1', gpus: {} })).rejects.toThrow(
    `SLUICE_WORKER_METRICS: ${address}`,
  );
  server.close();
});
