import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Sandbox, until, type Running } from './sluice-process.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

/** One item is made at once, the next a minute later: long enough for whatever a test does meanwhile. */
const slowly = ['--rate-limit', '1', '--concurrency', '1'];

async function started(running: Running): Promise<string> {
  let id = '';
  await until('the batch is followed', () => {
    id = /Batch (batch_\w+)[: ]/.exec(running.stderr())?.[1] ?? '';
    return id !== '' && /^(running|paused) \d+\/\d+ done/m.test(running.stderr());
  });
  return id;
}

test('Ctrl-C detaches and says how to come back, a second one does not hurt, and the same command comes back', async () => {
  const command = ['batch', 'run', sandbox.prompts('slow.csv', 3), '-o', 'slow', ...slowly];
  const first = sandbox.start(command);
  const id = await started(first);
  first.child.kill('SIGINT');
  first.child.kill('SIGINT');
  const left = await first.done;
  expect(left).toMatchObject({ status: 1, stdout: '' });
  expect(left.stderr).toContain(`Detached; batch ${id} goes on. Come back with: sluice batch watch ${id}\n`);

  const status = await sandbox.json(['batch', 'status', id, '--json']);
  expect(status.json).toMatchObject({ status: 'running', total: 3 });

  const other = await sandbox.sluice(['batch', 'run', sandbox.prompts('other.csv', 2), '-o', 'slow']);
  expect(other).toMatchObject({ status: 2, stdout: '' });
  expect(other.stderr).toContain(`holds the running batch ${id}, made from another input or model. (OUTPUT_IN_USE)`);

  const again = sandbox.start([...command, '--json']);
  expect(await started(again)).toBe(id);
  expect(again.stderr()).toContain(`Batch ${id} is running already`);
  const watching = sandbox.start(['batch', 'watch', id]);
  await until('the other one follows', () => /^running \d\/3 done/m.test(watching.stderr()));

  again.child.kill('SIGINT');
  const json = z.object({ batch_id: z.string(), status: z.string() }).parse(JSON.parse((await again.done).stdout));
  expect(json).toEqual({ batch_id: id, status: 'running' });

  const limits = await sandbox.sluice(['batch', 'limits', id, '--rate-limit', 'none', '--concurrency', '3']);
  expect(limits.stdout).toMatch(/concurrency +3\nrate limit +none but the models’ own\n/);
  expect(await watching.done).toMatchObject({ status: 0, stdout: expect.stringContaining(`Batch ${id}: succeeded`) });
});

test('create returns at once with one object; jobs and status of a batch that runs, pause and resume it', async () => {
  const created = await sandbox.json([
    'batch',
    'create',
    sandbox.prompts('later.csv', 3),
    '-o',
    'later',
    ...slowly,
    '--json',
  ]);
  expect(created.status).toBe(0);
  expect(created.json).toMatchObject({ total: 3, cancelled: 0, skipped: 0 });
  const id = String(created.json['batch_id']);
  await until('one item is done', async () => {
    const jobs = await sandbox.sluice(['batch', 'jobs', id]);
    expect(jobs.status).toBe(0);
    return /^item-1 {2}succeeded/.test(jobs.stdout);
  });
  const report = await sandbox.sluice(['batch', 'report', id]);
  expect(report).toMatchObject({ status: 1, stdout: '' });
  expect(report.stderr).toContain('has no report yet: it is written when the batch ends. (BATCH_RUNNING)');

  expect((await sandbox.sluice(['batch', 'pause', id])).stdout).toContain(`sluice batch resume ${id}`);
  const paused = await sandbox.json(['batch', 'status', id, '--json']);
  expect(paused.json).toMatchObject({ status: 'paused', paused_reason: 'Paused by request' });
  await sandbox.sluice(['batch', 'resume', id, '--rate-limit', 'none']);
  expect((await sandbox.json(['batch', 'watch', id, '--json'])).json).toMatchObject({
    status: 'succeeded',
    succeeded: 3,
  });
});

test('verbose tells of every item; a pipe gets plain lines', async () => {
  const { status, stderr } = await sandbox.sluice([
    'batch',
    'run',
    sandbox.prompts('v.csv', 2),
    '-o',
    'v',
    '--verbose',
  ]);
  expect(status).toBe(0);
  expect(stderr).toMatch(/^done: images\/item-1\.png \(gemini-2\.5-flash-image, \d+\.\d s\)$/m);
  expect(stderr).not.toContain('\u001b');
});
