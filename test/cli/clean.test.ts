import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from './sluice-process.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

test('clean goes on after a batch it cannot clean, says which and why, and ends with 1', async () => {
  const ids: string[] = [];
  for (const name of ['sound', 'damaged']) {
    const { json } = await sandbox.json(['batch', 'run', sandbox.prompts(`${name}.csv`, 1), '-o', name, '--json']);
    ids.push(String(json['batch_id']));
  }
  const [sound, damaged] = ids;
  writeFileSync(sandbox.path('damaged', 'batch_info.json'), '{"version":');
  const before = readdirSync(sandbox.path('damaged'), { recursive: true });

  const planned = await sandbox.sluice(['batch', 'clean', '--older-than', '0s', '--dry-run']);
  expect(planned.status).toBe(1);
  expect(planned.stderr).toContain('1 batch would go, 1 batch could not be cleaned.\n');

  const { status, stdout, stderr } = await sandbox.sluice(['batch', 'clean', '--older-than', '0s']);
  expect(status).toBe(1);
  expect(stdout).toMatch(new RegExp(`^removed ${sound ?? ''} .*\n$`));
  expect(stderr).toMatch(
    new RegExp(`^could not clean ${damaged ?? ''}: batch_info.json in \\S+ is damaged. \\(STORAGE_ERROR\\)\n  \\S`),
  );
  expect(stderr).toContain('1 batch removed, 1 batch could not be cleaned.\n');
  expect(existsSync(sandbox.path('sound'))).toBe(false);
  expect(readdirSync(sandbox.path('damaged'), { recursive: true })).toEqual(before);

  rmSync(sandbox.path('damaged'), { recursive: true });
  expect(await sandbox.sluice(['batch', 'clean', '--older-than', '0s'])).toMatchObject({ status: 0, stdout: '' });
});

test('what killed writers left goes when the batch closes, and when it is cleaned', async () => {
  const leave = (name: string): string => {
    const file = sandbox.path('killed', name, `.tmp-${randomUUID()}`);
    mkdirSync(sandbox.path('killed', name), { recursive: true });
    writeFileSync(file, 'half');
    utimesSync(file, new Date(0), new Date(0));
    return file;
  };
  const left = ['.', 'images', 'results'].map(leave);
  await sandbox.json(['batch', 'run', sandbox.prompts('killed.csv', 1), '-o', 'killed', '--json']);
  expect(left.filter((file) => existsSync(file))).toEqual([]);

  leave('metadata');
  await sandbox.sluice(['batch', 'clean', '--older-than', '0s']);
  expect(existsSync(sandbox.path('killed'))).toBe(false);
});
