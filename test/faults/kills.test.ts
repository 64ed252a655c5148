import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { itemWorkflowId } from '../../domain/ids.ts';
import { activityFailures } from './activity-failures.ts';
import { auditBatch, CallAccount } from './audit.ts';
import { reportOf, Sandbox, until } from './sandbox.ts';

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await Sandbox.create({ latencyMs: 1_000 });
});
afterEach(() => sandbox.close());

/** The command of a batch, always the same one. */
function commandOf(name: string, items: number, ...more: string[]): string[] {
  const input = sandbox.input(name, items);
  return ['batch', 'run', input, '-o', sandbox.path(name), '--rate-limit', '300', '--json', ...more];
}

test('a batch whose worker, command, server and supervisor are killed loses, tears and repeats nothing', async () => {
  const command = commandOf('all', 16, '--concurrency', '4');
  const output = sandbox.path('all');
  const account = new CallAccount(sandbox, 'all', output);
  const called = (calls: number) => until(`${String(calls)} calls`, () => sandbox.calls().length >= calls);
  const following = sandbox.start(...command);

  await called(3);
  expect(await sandbox.kill('worker')).toBe(true);
  expect(account.noteKill('worker')).toBeGreaterThan(0);
  await called(8);
  following.kill('SIGKILL');
  expect((await following.ended).status).toBeNull();
  expect(await sandbox.kill('server')).toBe(true);
  account.noteKill('server');
  await called(12);
  expect(await sandbox.kill('supervisor')).toBe(true);
  account.noteKill('supervisor');

  const again = await sandbox.run(...command);
  expect(again.stderr).toMatch(/is running already.*following it/);
  expect(again.status).toBe(0);
  expect(await auditBatch(output, { name: 'all', count: 16 }, reportOf(again))).toEqual([]);
  expect(account.problems()).toEqual([]);
});

test('chapters whose worker is killed while they are written, and while they wait for people, cost no answer twice', async () => {
  const output = sandbox.path('asked');
  const batch = sandbox.batchOf('chapter', 'asked', 3);
  const account = new CallAccount(sandbox, 'asked', output);
  const following = sandbox.start('batch', 'run', ...batch, '-o', output, '--interactive', '--json');
  await until('chapters are written and judged', () => sandbox.calls().length >= 5);
  expect(await sandbox.kill('worker')).toBe(true);
  const inFlight = account.noteKill('worker');
  expect(inFlight).toBeGreaterThan(0);

  const waiting = await following.ended;
  expect(waiting.status).toBe(4);
  const { batch_id: batchId, waiting: asked } = reportOf(waiting);
  expect(asked).toBe(3);
  const calls = sandbox.calls().length;
  expect(await sandbox.kill('worker')).toBe(true);
  expect(account.noteKill('worker')).toBe(0);
  expect(await sandbox.kill('server')).toBe(true);
  const items = Array.from({ length: 3 }, (_, n) => `asked-${String(n)}`);
  for (const item of items) {
    await until(`${item} is answered`, async () => {
      const { status, stderr } = await sandbox.run('answer', batchId, item, '--approve');
      // The server may have died, or be just back, while it took the answer.
      return status === 0 || stderr.includes('QUESTION_ANSWERED');
    });
  }
  const report = reportOf(await sandbox.run('batch', 'watch', batchId, '--json'));
  expect(await auditBatch(output, { name: 'asked', count: 3 }, report)).toEqual([]);
  expect(account.problems()).toEqual([]);
  expect(sandbox.calls()).toHaveLength(calls);

  // Its calls were given back because it died, not because they timed out.
  const ids = items.map((item) => itemWorkflowId(batchId, item));
  const failures = await activityFailures(sandbox, ids);
  // An attempt whose answer was stored already is given back too.
  expect(failures.length).toBeGreaterThanOrEqual(inFlight);
  expect(new Set(failures)).toEqual(new Set(['WORKER_DIED']));
});

test('a command killed while it stages its input is simply given again', async () => {
  await sandbox.run('up', '--detach');
  const command = commandOf('early', 20_000, '--budget', '0.1');
  const first = sandbox.start(...command);
  await until('the first part is staged', () => existsSync(sandbox.path('early/input/part-00000.jsonl')));
  first.kill('SIGKILL');
  await first.ended;
  expect(existsSync(sandbox.path('early/batch_info.json'))).toBe(false);

  const again = await sandbox.run(...command);
  expect(again.stderr).toContain('20000 items');
  // The budget keeps the test short: the batch began, and pauses.
  expect(again.status).toBe(4);
  expect(reportOf(again)).toMatchObject({ total: 20_000, failed: 0, paused_reason: expect.stringContaining('Budget') });
  expect(await sandbox.run('batch', 'cancel', reportOf(again).batch_id)).toMatchObject({ status: 0 });
});
