import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditBatch } from './audit.ts';
import { reportOf, Sandbox, until } from './sandbox.ts';

let sandbox: Sandbox;
const models = readFileSync(join(import.meta.dirname, '../../models.yaml'), 'utf8');

function commandOf(name: string, items: number): string[] {
  const input = sandbox.input(name, items);
  return ['batch', 'run', input, '-o', sandbox.path(name), '--json', '--concurrency', '3', '--rate-limit', '300'];
}

beforeAll(async () => {
  const faults = JSON.stringify({ rules: [{ prompt: 'given-up picture 0', fault: 'hang', times: 1 }] });
  sandbox = await Sandbox.create({ latencyMs: 3_000, faults });
});
afterAll(() => sandbox.close());

test('a worker told to stop makes no call for items that wait for their turn', async () => {
  // One call at a time: the others wait inside their activities.
  mkdirSync(sandbox.home);
  writeFileSync(join(sandbox.home, 'models.yaml'), models.replaceAll('concurrency: 50', 'concurrency: 1'));
  const batch = sandbox.start(...commandOf('turn', 4));
  await until('a call is under way', () => sandbox.callsOf('turn').length >= 1);
  await sandbox.kill('worker', 'SIGTERM');
  expect(sandbox.callsOf('turn')).toHaveLength(1);
  const report = reportOf(await batch.ended);
  expect(await auditBatch(sandbox.path('turn'), { name: 'turn', count: 4 }, report)).toEqual([]);
  expect(sandbox.callsOf('turn')).toHaveLength(4);
  rmSync(join(sandbox.home, 'models.yaml'));
  await sandbox.run('down');
});

test('a worker told to stop hears out its calls and starts no more', async () => {
  const batch = sandbox.start(...commandOf('heard', 6));
  await until('calls are under way', () => sandbox.callsOf('heard').length >= 3);
  await sandbox.kill('worker', 'SIGTERM');
  const report = reportOf(await batch.ended);
  expect(await auditBatch(sandbox.path('heard'), { name: 'heard', count: 6 }, report)).toEqual([]);
  expect(sandbox.callsOf('heard').map(({ aborted }) => aborted)).toEqual(Array(6).fill(false));
});

test('a call that does not end is given up by a worker told to stop, and made again by the next', async () => {
  const batch = sandbox.start(...commandOf('given-up', 3));
  await until('all calls are under way', () => sandbox.callsOf('given-up').length >= 3);
  await sandbox.kill('worker', 'SIGTERM');
  const report = reportOf(await batch.ended);
  expect(await auditBatch(sandbox.path('given-up'), { name: 'given-up', count: 3 }, report)).toEqual([]);
  const again = sandbox.callsOf('given-up').slice(3);
  expect(again.map(({ prompt }) => prompt)).toEqual(['given-up picture 0']);
});
