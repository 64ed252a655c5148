import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { BatchReport } from '../../client/batch-report.ts';
import { auditBatch } from './audit.ts';
import { reportOf, Sandbox, until, type Command } from './sandbox.ts';

const costsSchema = z.object({ rows: z.array(z.object({ key: z.string(), cost_usd: z.number() })) });
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await Sandbox.create({ latencyMs: 1_500 });
});
afterAll(() => sandbox.close());

function fill(disk: string, mebibytes: number): void {
  writeFileSync(join(disk, '.filler'), Buffer.alloc(mebibytes * 1024 * 1024));
}

/** Waits for the command to end with the exit status of a paused batch. */
async function pausedReport(command: Command): Promise<BatchReport> {
  const ended = await command.ended;
  expect(ended).toMatchObject({ status: 4 });
  return reportOf(ended);
}

/** Resumes a batch and follows it to its end. */
async function finish(batchId: string): Promise<BatchReport> {
  expect(await sandbox.run('batch', 'resume', batchId)).toMatchObject({ status: 0 });
  return reportOf(await sandbox.run('batch', 'watch', batchId, '--json'));
}

test('a full disk pauses the batch before a call is made, and room and a resume finish it', async () => {
  const disk = sandbox.mountDisk(sandbox.path('full'), 48);
  const output = join(disk, 'out');
  fill(disk, 40);
  const paused = await pausedReport(sandbox.start('batch', 'run', sandbox.input('full', 6), '-o', output, '--json'));
  expect(paused.paused_reason).toMatch(/^Only \d+ KiB are free in file:\/\//);
  expect(paused.paused_action).toContain('Free disk space');
  expect(sandbox.callsOf('full')).toEqual([]);

  rmSync(join(disk, '.filler'));
  expect(await auditBatch(output, { name: 'full', count: 6 }, await finish(paused.batch_id))).toEqual([]);
  expect(sandbox.callsOf('full')).toHaveLength(6);
});

test.each([
  ['image', 8, 4],
  // In the second call of its items.
  ['chapter', 4, 6],
])(
  'a disk that fills up under calls of the flow %s pauses it, and what is paid for waits for room',
  async (flow, count, at) => {
    const name = `filled-${flow}`;
    const disk = sandbox.mountDisk(sandbox.path(name), 48);
    const output = join(disk, 'out');
    const given = sandbox.batchOf(flow, name, count);
    const batch = sandbox.start('batch', 'run', ...given, '-o', output, '--json', '--concurrency', '4');
    await until('calls are under way', () => sandbox.callsOf(name).length >= at);
    // To the last byte.
    expect(() => fill(disk, 64)).toThrow(/ENOSPC/);
    const paused = await pausedReport(batch);
    // Which is met first: something that cannot be stored, or an item that has no room to begin.
    expect(paused.paused_reason).toMatch(/no space is left \(ENOSPC\)|^Only \d+ KiB are free/);
    expect(paused.running).toBe(0);

    rmSync(join(disk, '.filler'));
    const report = await finish(paused.batch_id);
    expect(await auditBatch(output, { name, count }, report)).toEqual([]);
    const { rows } = costsSchema.parse(JSON.parse((await sandbox.run('costs', '--by', 'batch', '--json')).stdout));
    expect(rows.find(({ key }) => key === report.batch_id)?.cost_usd).toBeCloseTo(report.cost_usd, 5);
    const asked = sandbox.callsOf(name).map(({ prompt }) => prompt);
    expect(new Set(asked).size).toBe(asked.length);
  },
);

test.each([
  ['moved away', (): void => undefined],
  ['replaced by a file', (output: string) => writeFileSync(output, '')],
])('an output directory that is %s for a while costs a pause, not an item', async (how, replace) => {
  const name = how.replaceAll(' ', '-');
  const output = sandbox.path(name);
  const command = ['batch', 'run', sandbox.input(name, 10), '-o', output, '--json', '--concurrency', '2'];
  const batch = sandbox.start(...command);
  await until('the first image is there', () => existsSync(join(output, `images/${name}-0.png`)));
  renameSync(output, `${output}-elsewhere`);
  replace(output);
  const paused = await pausedReport(batch);
  expect(paused.paused_reason).toMatch(/file:\/\/|staged input/);
  expect(existsSync(join(output, 'images'))).toBe(false);

  rmSync(output, { force: true });
  renameSync(`${output}-elsewhere`, output);
  expect(await auditBatch(output, { name, count: 10 }, await finish(paused.batch_id))).toEqual([]);
  expect(sandbox.callsOf(name)).toHaveLength(10);
});

test('a full disk under the engine itself is named, and the batch goes on when there is room', async () => {
  const own = await Sandbox.create({ latencyMs: 500 });
  try {
    own.mountDisk(own.home, 32);
    const output = own.path('home-full');
    const command = ['batch', 'create', own.input('home-full', 12), '-o', output, '--concurrency', '2', '--json'];
    const { batch_id } = reportOf(await own.run(...command));
    await until('calls are under way', () => own.calls().length >= 3);
    expect(() => fill(own.home, 48)).toThrow(/ENOSPC/);
    const refused = await own.run('batch', 'status', batch_id);
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stderr).toMatch(/^sluice: Only \d+ KiB are free for the engine in \S+home\. \(STORAGE_FULL\)/);
    // The service cannot write its log either, and goes on.
    const api = `${(await own.engine())?.apiUrl ?? ''}/api`;
    for (const path of ['/batches', '/schedules', '/batches']) {
      const form = new FormData();
      form.set('schedule_id', 'none');
      form.set('file', new Blob(['prompt\na cat\n']), 'cats.csv');
      if (path === '/batches') form.delete('schedule_id');
      const reply = await fetch(`${api}${path}`, { method: 'POST', body: form });
      expect([reply.status, await reply.json()]).toEqual([507, expect.objectContaining({ code: 'STORAGE_FULL' })]);
    }
    expect((await fetch(`${api}/health/live`)).status).toBe(200);

    rmSync(join(own.home, '.filler'));
    const report = reportOf(await own.run('batch', 'watch', batch_id, '--json'));
    expect(await auditBatch(output, { name: 'home-full', count: 12 }, report)).toEqual([]);
    expect(own.calls()).toHaveLength(12);
  } finally {
    await own.close();
  }
});
