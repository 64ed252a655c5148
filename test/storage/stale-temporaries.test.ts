import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { pruneDirectory } from '../../storage/prune-directory.ts';
import { removeStaleTemporaries } from '../../storage/stale-temporaries.ts';

const minute = 60_000;
let root: string;
let uri: string;

beforeEach(async () => {
  const made = await mkdtemp(join(tmpdir(), 'sluice-stale-'));
  root = join(made, 'batch');
  uri = pathToFileURL(root).href;
  onTestFinished(() => rm(made, { recursive: true, force: true }));
});

async function write(name: string, ageMs: number): Promise<string> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'half');
  const at = new Date(Date.now() - ageMs);
  await utimes(path, at, at);
  return name;
}

async function files(): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
    .sort();
}

it('removes files of unfinished puts that nobody has written to for ten minutes, and nothing else', async () => {
  for (const directory of ['.', 'images', 'results', 'input/redrive-1']) {
    await write(join(directory, `.tmp-${randomUUID()}`), 11 * minute);
  }
  const kept = [
    await write(`images/.tmp-${randomUUID()}`, 9 * minute),
    await write('images/.tmp-notes', 11 * minute),
    await write('images/a.png', 11 * minute),
    await write(`own/.tmp-${randomUUID()}`, 11 * minute),
  ];
  await removeStaleTemporaries(uri);
  expect(await files()).toEqual(kept.sort());
});

it('does nothing where there is no directory', async () => {
  await expect(removeStaleTemporaries(uri)).resolves.toBeUndefined();
  await expect(removeStaleTemporaries('s3://bucket/batch')).resolves.toBeUndefined();
});

it('a directory is pruned of what killed writers left, but not of a put that is under way', async () => {
  const underWay = await write(`images/.tmp-${randomUUID()}`, 0);
  await write(`metadata/.tmp-${randomUUID()}`, 11 * minute);
  expect(await pruneDirectory(uri, { root: true })).toBe(false);
  expect(await readdir(root)).toEqual(['images']);
  expect(await files()).toEqual([underWay]);

  await rm(join(root, underWay));
  expect(await pruneDirectory(uri, { root: true })).toBe(true);
});
