import { expect, test } from 'vitest';
import { startTracing, tracingWish } from '../../../client/tracing/tracing.ts';

test.each([
  ['off', {}],
  ['off', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
  ['off', { OTEL_SERVICE_NAME: 'mine' }],
  ['off', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_EXPORTER: 'none' }],
  ['off', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'true' }],
  ['otlp', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }],
  ['otlp', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }],
  ['otlp', { OTEL_TRACES_EXPORTER: 'otlp' }],
  ['otlp', { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }],
  ['OTEL_TRACES_EXPORTER=console', { OTEL_TRACES_EXPORTER: 'console' }],
  ['OTEL_EXPORTER_OTLP_PROTOCOL=grpc', { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
])('traces are %s with %o', (wish, env) => {
  expect(tracingWish(env)).toBe(wish);
});

test('a wish that cannot be met is told of, and nothing is sent', async () => {
  const told: string[] = [];
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
  expect(await startTracing({ service: 'test', env, warn: (message) => told.push(message) })).toBeNull();
  expect(told).toEqual([expect.stringContaining('OTEL_EXPORTER_OTLP_PROTOCOL=grpc')]);
});
