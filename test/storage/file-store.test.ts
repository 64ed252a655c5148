import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createFileStore } from '../../storage/file-store.ts';
import { storageError } from '../../storage/storage-error.ts';
import { storeContract } from './store-contract.ts';

const holding = (text: string): unknown => expect.stringContaining(text);

const run = promisify(execFile);
const programs = join(import.meta.dirname, '../fixtures/storage');

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-store-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

storeContract('the file store', async () => createFileStore(join(await makeDirectory(), 'not yet', 'there')));

it('names its directory by an absolute file URI', async () => {
  const directory = await makeDirectory();
  expect(createFileStore(join(directory, 'my out')).uri).toMatch(/^file:\/\/\/.*my%20out$/);
});

it('leaves no temporary file behind, after success or failure', async () => {
  const directory = await makeDirectory();
  const store = createFileStore(directory);
  await store.put('a/b', 'x');
  await expect(store.put('a', 'over a directory')).rejects.toMatchObject({ code: 'STORAGE_ERROR' });
  await expect(store.put('a/b/c', 'below a file')).rejects.toMatchObject({
    code: 'STORAGE_ERROR',
    message: holding('a/b/c'),
  });
  expect((await readdir(directory, { recursive: true })).sort()).toEqual(['a', 'a/b']);
});

it('does not list what a killed writer left behind', async () => {
  const directory = await makeDirectory();
  const store = createFileStore(directory);
  await store.put('k', 'x');
  await writeFile(join(directory, '.tmp-0000'), 'half');
  expect((await Array.fromAsync(store.list(''))).map((entry) => entry.key)).toEqual(['k']);
});

it('shows only whole objects after its process was killed while it wrote', async () => {
  for (let round = 0; round < 3; round++) {
    const directory = await makeDirectory();
    const writer = spawn(process.execPath, [join(programs, 'endless-writer.ts'), directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for (let writes = 0; writes <= round; writes++) await once(writer.stdout, 'data');
    const exited = once(writer, 'exit');
    writer.kill('SIGKILL');
    await exited;
    const store = createFileStore(directory);
    const keys = (await Array.fromAsync(store.list(''))).map((entry) => entry.key);
    expect(keys).toEqual(['a', 'b', 'c/d']);
    for (const key of keys) {
      const text = (await store.get(key))?.toString() ?? '';
      expect(text === text.slice(0, 1).repeat(500_000)).toBe(true);
    }
  }
});

it('calls a full disk full', async () => {
  const error: unknown = await writeFile('/dev/full', 'x').then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(storageError(error, 'cannot write k in file:///full')).toMatchObject({
    code: 'STORAGE_FULL',
    message: 'cannot write k in file:///full: no space is left (ENOSPC)',
    retryable: true,
  });
});

it('keeps the old object and reports why when a disk is full or read-only', async () => {
  const directory = await makeDirectory();
  const inNamespace = (script: string) => {
    const program = join(programs, 'limited-disk.ts');
    const namespace = ['--user', '--map-root-user', '--mount'];
    return run('unshare', [...namespace, 'sh', '-c', script, 'sh', directory, process.execPath, program]);
  };
  const mount = 'mount -t tmpfs -o size=256k tmpfs "$1"';
  const canMount = await inNamespace(mount).then(
    () => true,
    () => false,
  );
  if (!canMount) {
    // Where no disk of our own can be mounted, another failure of the system shows the same behaviour.
    const store = createFileStore(directory);
    await store.put('kept', 'small');
    await expect(store.put('kept/new', 'x')).rejects.toMatchObject({ code: 'STORAGE_ERROR' });
    expect((await store.get('kept'))?.toString()).toBe('small');
    return;
  }
  const { stdout } = await inNamespace(
    `${mount} && "$2" "$3" "$1" small && mount -o remount,ro "$1" && "$2" "$3" "$1" read-only`,
  );
  const files = ['images', 'kept'];
  const lines = stdout.trim().split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
    { put: 'STORAGE_FULL', putStream: 'STORAGE_FULL', kept: 'small', files },
    { put: 'STORAGE_DENIED', putStream: 'STORAGE_DENIED', kept: 'small', files },
  ]);
});
