import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { isDeadWorker, workerIdentity } from '../../workers/worker-identity.ts';

const program = 'import { workerIdentity } from "./workers/worker-identity.ts"; console.log(workerIdentity());';

test('a worker that runs is not dead', () => {
  expect(workerIdentity()).toMatch(new RegExp(`^${String(process.pid)}@`));
  expect(isDeadWorker(workerIdentity())).toBe(false);
});

test.runIf(process.platform === 'linux')('a worker whose process has ended is dead', async () => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd: `${import.meta.dirname}/../..`,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [identity] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(identity.trim()).not.toBe('');
  expect(isDeadWorker(identity.trim())).toBe(true);
});

test.runIf(process.platform === 'linux')('a later process with the same pid does not bring a worker back', () => {
  expect(isDeadWorker(workerIdentity().replace(/:\d+ /, ':1 '))).toBe(true);
});

test('nothing is known of a worker of another boot, of another container, or with a name of another kind', () => {
  const own = workerIdentity();
  expect(isDeadWorker(own.replace(/ [0-9a-f-]+:\d+ /, ' 00000000-0000-0000-0000-000000000000:1 '))).toBe(false);
  expect(isDeadWorker(own.replace(/:\d+ pid:\[\d+\]$/, ':1 pid:[1]'))).toBe(false);
  expect(isDeadWorker('1@elsewhere')).toBe(false);
  expect(isDeadWorker('')).toBe(false);
});
