import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { auditBatch } from './audit.ts';
import { reportOf, Sandbox, until, type Command } from './sandbox.ts';

let sandbox: Sandbox;
let mounts: string[];

beforeEach(async () => {
  mounts = [];
  sandbox = await Sandbox.create({ latencyMs: 1_500 });
});
afterEach(async () => {
  for (const mount of mounts) execFileSync('umount', ['--lazy', mount]);
  await sandbox.close();
});

/** A small disk of its own. Needs the right to mount: where that is missing the test fails and says so. */
function mountDisk(name: string, mebibytes: number): string {
  const directory = sandbox.path(name);
  mkdirSync(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${String(mebibytes)}m`, 'tmpfs', directory]);
  mounts.push(directory);
  return directory;
}

function fill(disk: string, mebibytes: number): void {
  writeFileSync(join(disk, '.filler'), Buffer.alloc(mebibytes * 1024 * 1024));
}

/** Waits for the command to end with the exit status of a paused batch. */
async function untilPaused(command: Command) {
  const ended = await command.ended;
  expect(ended).toMatchObject({ status: 4 });
  return reportOf(ended);
}

test('a full disk pauses the batch before a call is made, and room and a resume finish it', async () => {
  const disk = mountDisk('disk', 48);
  const output = join(disk, 'out');
  fill(disk, 40);
  const batch = sandbox.start('batch', 'run', sandbox.input('full', 6), '-o', output, '--json');
  const paused = await untilPaused(batch);
  expect(paused.paused_reason).toMatch(/^Only \d+ KiB are free in file:\/\//);
  expect(paused.paused_action).toContain('Free disk space');
  expect(sandbox.calls()).toEqual([]);

  rmSync(join(disk, '.filler'));
  await sandbox.run('batch', 'resume', paused.batch_id);
  const ended = await sandbox.run('batch', 'watch', paused.batch_id, '--json');
  expect(await auditBatch(output, { name: 'full', count: 6 }, reportOf(ended))).toEqual([]);
  expect(sandbox.calls()).toHaveLength(6);
});

test('a disk that fills up under calls costs none of them: their images wait for room', async () => {
  const disk = mountDisk('disk', 48);
  const output = join(disk, 'out');
  const batch = sandbox.start('batch', 'run', sandbox.input('filled', 8), '-o', output, '--json', '--concurrency', '4');
  await until('calls are under way', () => sandbox.calls().length >= 4);
  // More than there is: to the last byte.
  expect(() => {
    fill(disk, 64);
  }).toThrow(/ENOSPC/);
  await until('the calls are answered', () => sandbox.calls().filter(({ status }) => status === 200).length >= 4);
  expect(existsSync(join(output, 'images'))).toBe(false);

  rmSync(join(disk, '.filler'));
  const followed = await batch.ended;
  let report = reportOf(followed);
  if (report.status === 'paused') {
    await sandbox.run('batch', 'resume', report.batch_id);
    report = reportOf(await sandbox.run('batch', 'watch', report.batch_id, '--json'));
  }
  expect(await auditBatch(output, { name: 'filled', count: 8 }, report)).toEqual([]);
  expect(sandbox.calls()).toHaveLength(8);
});

test('an output directory that goes away and comes back costs a pause, not an item', async () => {
  const output = sandbox.path('away');
  const batch = sandbox.start('batch', 'run', sandbox.input('away', 10), '-o', output, '--json', '--concurrency', '2');
  await until('some images are there', () => existsSync(join(output, 'images/away-1.png')));
  renameSync(output, `${output}-elsewhere`);
  // A file in its place: nothing can be written, nor made anew.
  writeFileSync(output, '');
  const paused = await untilPaused(batch);
  expect(paused.paused_reason).toContain(output);

  rmSync(output);
  renameSync(`${output}-elsewhere`, output);
  await sandbox.run('batch', 'resume', paused.batch_id);
  const ended = await sandbox.run('batch', 'watch', paused.batch_id, '--json');
  expect(await auditBatch(output, { name: 'away', count: 10 }, reportOf(ended))).toEqual([]);
  expect(sandbox.calls()).toHaveLength(10);
});
