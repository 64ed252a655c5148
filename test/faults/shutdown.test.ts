import { afterEach, beforeEach, expect, test } from 'vitest';
import { auditBatch } from './audit.ts';
import { reportOf, Sandbox, until } from './sandbox.ts';

let sandbox: Sandbox;
const items = 6;

function commandOf(name: string, ...more: string[]): string[] {
  return ['batch', 'run', sandbox.input(name, items), '-o', sandbox.path(name), '--json', ...more];
}

beforeEach(async () => {
  const faults = JSON.stringify({ rules: [{ prompt: 'given-up picture 0', fault: 'hang', times: 1 }] });
  sandbox = await Sandbox.create({ latencyMs: 3_000, faults });
});
afterEach(() => sandbox.close());

test('a worker told to stop hears out its calls and starts no more', async () => {
  const batch = sandbox.start(...commandOf('heard', '--concurrency', '3'));
  await until('calls are under way', () => sandbox.calls().length >= 3);
  await sandbox.kill('worker', 'SIGTERM');
  const ended = await batch.ended;
  expect(await auditBatch(sandbox.path('heard'), { name: 'heard', count: items }, reportOf(ended))).toEqual([]);
  const calls = sandbox.calls();
  expect(calls).toHaveLength(items);
  expect(calls.filter(({ aborted }) => aborted)).toEqual([]);
});

test('a worker told to stop starts no call for items that wait for their turn', async () => {
  const batch = sandbox.start(...commandOf('turn', '--concurrency', '6', '--rate-limit', '300'));
  await until('a call is under way', () => sandbox.calls().length >= 1);
  await sandbox.kill('worker', 'SIGTERM');
  const ended = await batch.ended;
  expect(await auditBatch(sandbox.path('turn'), { name: 'turn', count: items }, reportOf(ended))).toEqual([]);
  expect(sandbox.calls()).toHaveLength(items);
});

test('a call that does not end is given up by a worker told to stop, and made again by the next', async () => {
  const batch = sandbox.start(...commandOf('given-up', '--concurrency', '6'));
  await until('all calls are under way', () => sandbox.calls().length >= items);
  await sandbox.kill('worker', 'SIGTERM');
  const ended = await batch.ended;
  expect(await auditBatch(sandbox.path('given-up'), { name: 'given-up', count: items }, reportOf(ended))).toEqual([]);
  const again = sandbox.calls().slice(items);
  expect(again.map(({ prompt }) => prompt?.includes('given-up picture 0'))).toEqual([true]);
});
