import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditBatch } from './audit.ts';
import { reportOf, Sandbox, until } from './sandbox.ts';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await Sandbox.create({ latencyMs: 100 });
  await sandbox.run('up', '--detach');
});
afterAll(() => sandbox.close());

test('a provider that is gone pauses the batch by its failure rate, and a retry finishes it once it is back', async () => {
  await sandbox.stopEmulator();
  const output = sandbox.path('gone');
  const command = ['batch', 'run', sandbox.input('gone', 40), '-o', output, '--json', '--rate-limit', '300'];
  const paused = await sandbox.run(...command, '--concurrency', '10', '--max-attempts', '1');
  expect(paused.status).toBe(4);
  const report = reportOf(paused);
  expect(report.paused_reason).toContain('High failure rate');
  expect(report.succeeded).toBe(0);
  expect(report.failed).toBeLessThan(40);
  expect(paused.stderr).toContain('UNAVAILABLE');

  await sandbox.startEmulator({ latencyMs: 100 });
  await sandbox.run('batch', 'resume', report.batch_id);
  const rest = reportOf(await sandbox.run('batch', 'watch', report.batch_id, '--json'));
  expect(rest).toMatchObject({ status: 'failed', failed: report.failed, succeeded: 40 - report.failed });
  expect((await sandbox.run('batch', 'retry', report.batch_id)).status).toBe(0);
  const ended = await sandbox.run('batch', 'watch', report.batch_id, '--json');
  expect(await auditBatch(output, { name: 'gone', count: 40 }, reportOf(ended))).toEqual([]);
  expect(sandbox.callsOf('gone')).toHaveLength(40);
});

test('a provider that hangs costs the time limit of a call, and the item is tried again', async () => {
  const faults = JSON.stringify({ rules: [{ prompt: 'hung picture [01]$', fault: 'hang', times: 2 }] });
  await sandbox.startEmulator({ latencyMs: 100, faults });
  const output = sandbox.path('hung');
  const command = ['batch', 'run', sandbox.input('hung', 4), '-o', output, '--json', '--timeout', '1'];
  const ended = await sandbox.run(...command);
  expect(ended.status).toBe(0);
  expect(await auditBatch(output, { name: 'hung', count: 4 }, reportOf(ended))).toEqual([]);
  expect(sandbox.callsOf('hung')).toHaveLength(6);
});

test('the limit of requests a minute holds over the death of a worker', async () => {
  await sandbox.startEmulator({ latencyMs: 2_000, rpm: 8 });
  const calls = () => sandbox.callsOf('rate');
  const output = sandbox.path('rate');
  const command = ['batch', 'run', sandbox.input('rate', 10), '-o', output, '--json', '--rate-limit', '8'];
  const batch = sandbox.start(...command);
  await until('the first calls are under way', () => calls().length >= 3);
  await sandbox.kill('worker');
  // What the dead worker called counts: a limiter without memory would let through two more with the eighth.
  await until('the minute is used up', () => calls().filter(({ ended_at }) => ended_at !== undefined).length >= 8);
  expect(calls().map(({ status, aborted }) => (aborted === true ? 'lost' : status))).not.toContain(429);
  expect(calls()).toHaveLength(8);
  batch.kill('SIGKILL');
});
