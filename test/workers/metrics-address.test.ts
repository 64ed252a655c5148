import { expect, test } from 'vitest';
import { metricsAddress } from '../../workers/metrics-address.ts';

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
