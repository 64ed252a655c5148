import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SupervisedProcess, type ProcessSpec } from '../../../client/engine/supervised-process.ts';

let directory: string;
let supervised: SupervisedProcess | null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-process-'));
  supervised = null;
});
afterEach(async () => {
  await supervised?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function supervise(code: string, spec: Partial<ProcessSpec> = {}): { process: SupervisedProcess; states: string[] } {
  const states: string[] = [];
  const process: SupervisedProcess = new SupervisedProcess(
    'worker',
    () => ({
      command: globalThis.process.execPath,
      args: ['-e', code],
      env: {},
      logFile: join(directory, 'log'),
      ready: 'ipc',
      graceMs: 10_000,
      ...spec,
    }),
    () => states.push(process.status.state),
  );
  supervised = process;
  process.start();
  return { process, states };
}

const sayReady = `process.send('ready'); setInterval(() => {}, 1000);`;

test('a process is up when it says so, and gone when it was stopped', async () => {
  const { process, states } = supervise(sayReady);
  expect(await process.whenReady(1)).toBe(true);
  await process.stop();
  expect(states).toEqual(['starting', 'running', 'stopping', 'stopped']);
  expect(process.status).toMatchObject({ pid: null, restarts: 0 });
});

test('a process without a message is up when its probe says so', async () => {
  let asked = 0;
  const { process } = supervise('setInterval(() => {}, 1000)', {
    ready: () => ((asked += 1) < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve(true)),
  });
  expect(await process.whenReady(1)).toBe(true);
  expect(asked).toBe(3);
});

test('a process that dies is started again, and counted', async () => {
  const flag = join(directory, 'second');
  const code = `const fs = require('fs'); if (!fs.existsSync('${flag}')) { fs.writeFileSync('${flag}', ''); process.exit(1); } ${sayReady}`;
  const { process, states } = supervise(code);
  expect(await process.whenReady(2)).toBe(true);
  expect(process.status.restarts).toBe(1);
  expect(states).toEqual(['starting', 'waiting', 'starting', 'running']);
});

test('who waits for a process that keeps dying is told after as many deaths as they allow', async () => {
  const { process } = supervise(`console.error('no luck'); process.exit(3)`);
  expect(await process.whenReady(2)).toBe(false);
  expect(readFileSync(join(directory, 'log'), 'utf8')).toBe('no luck\nno luck\n');
});

test('a command that does not exist counts as a death', async () => {
  const { process } = supervise('', { command: join(directory, 'nothing') });
  expect(await process.whenReady(1)).toBe(false);
});

test('stopping kills a process that does not listen to SIGTERM', async () => {
  const flag = join(directory, 'terminated');
  const code = `process.on('SIGTERM', () => require('fs').writeFileSync('${flag}', '')); ${sayReady}`;
  const { process } = supervise(code, { graceMs: 100 });
  await process.whenReady(1);
  await process.stop();
  expect(process.status.state).toBe('stopped');
  expect(existsSync(flag)).toBe(true);
});

test('a process that waits for its next start is stopped without one', async () => {
  const { process, states } = supervise('process.exit(1)');
  await process.whenReady(1);
  await process.stop();
  expect(states).toEqual(['starting', 'waiting', 'stopped']);
});
