import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock, tryLock } from '../../../client/engine/lock.ts';

const holder = join(import.meta.dirname, '../../fixtures/engine/lock-holder.ts');
let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-lock-'));
  file = join(directory, 'a.lock');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a lock is held once, and free again after its release', () => {
  const first = tryLock(file);
  expect(first).not.toBeNull();
  expect(tryLock(file)).toBeNull();
  first?.release();
  const second = tryLock(file);
  expect(second).not.toBeNull();
  second?.release();
});

test('a lock of another process ends with that process, even by kill -9', async () => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', holder, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(tryLock(file)).toBeNull();
  let waited = 0;
  const acquired = acquireLock(file, () => (waited += 1));
  child.kill('SIGKILL');
  (await acquired).release();
  expect(waited).toBe(1);
});
