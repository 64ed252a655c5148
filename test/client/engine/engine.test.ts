import { mkdtempSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requestStatus } from '../../../client/engine/control-client.ts';
import {
  engineStatus,
  ensureEngine,
  stopEngine,
  type EnsureEngineOptions,
} from '../../../client/engine/ensure-engine.ts';
import { readEngineState } from '../../../client/engine/engine-state.ts';
import type { EngineStatus } from '../../../client/engine/engine-status.ts';
import { withCredentials } from '../../../client/engine/credentials.ts';
import { enginePaths } from '../../../client/engine/home.ts';
import { isAlive, processStartId, type ProcessIdentity } from '../../../client/engine/process-identity.ts';

const supervisor = join(import.meta.dirname, '../../fixtures/engine/supervisor.ts');
let root: string;
let homes: string[];
let notices: string[];

/** What a machine's own settings could change is taken out. */
function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { TEMPORAL_ADDRESS: _address, ...rest } = withCredentials(process.env, {});
  return { ...rest, ...extra };
}

function newHome(): string {
  const home = join(root, `home-${homes.length}`);
  homes.push(home);
  return home;
}

async function start(home: string, options: Partial<EnsureEngineOptions> = {}): Promise<EngineStatus> {
  return await ensureEngine({ home, notice: (line) => notices.push(line), supervisor, env: environment(), ...options });
}

async function until<T>(look: () => Promise<T | null | undefined | false> | T | null | undefined | false): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    await sleep(20);
  }
}

function pidOf(status: EngineStatus, name: string): number {
  return status.processes.find((process) => process.name === name)?.pid ?? -1;
}

/** Supervisor and children, so that a test can see them go. */
function identities(status: EngineStatus): ProcessIdentity[] {
  const pids = [status.pid, ...status.processes.map((process) => process.pid ?? -1)];
  return pids.map((pid) => ({ pid, startId: processStartId(pid) ?? '' }));
}

/** What each start of the worker was given. */
function workersTold(home: string): {
  pid: number;
  address: string;
  emulatorUrl: string;
  comfyEmulatorUrl: string;
  apiKey: string | null;
}[] {
  const lines = readFileSync(join(home, 'worker-told.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as ReturnType<typeof workersTold>[number]);
}

async function namespaceOf(status: EngineStatus) {
  const connection = await Connection.connect({ address: status.address });
  try {
    return await connection.workflowService.describeNamespace({ namespace: status.namespace });
  } finally {
    await connection.close();
  }
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-engine-'));
  homes = [];
  notices = [];
});
afterEach(async () => {
  await Promise.all(homes.map((home) => stopEngine(home)));
  rmSync(root, { recursive: true, force: true });
});

test('an engine is started once, says where it is, and leaves no process when it is stopped', async () => {
  const home = newHome();
  const status = await start(home);
  expect(notices).toEqual([`Starting the engine of ${home} (stop it with: sluice down)`]);
  expect(status).toMatchObject({ home, state: 'ready', live: [], namespace: 'default', stale: false });
  expect(status.processes.map(({ name, state, restarts }) => [name, state, restarts])).toEqual([
    ['server', 'running', 0],
    ['emulator', 'running', 0],
    ['worker', 'running', 0],
    ['api', 'running', 0],
  ]);
  expect(await (await fetch(status.comfyEmulatorUrl)).text()).toBe('comfyui');
  expect(workersTold(home)).toMatchObject([
    { emulatorUrl: status.emulatorUrl, comfyEmulatorUrl: status.comfyEmulatorUrl },
  ]);
  expect(statSync(enginePaths(home).socket).mode & 0o777).toBe(0o600);
  expect(await namespaceOf(status)).toMatchObject({
    config: { workflowExecutionRetentionTtl: { seconds: { low: 2_592_000 } } },
  });
  expect((await start(home, { start: false })).pid).toBe(status.pid);

  const running = identities(status);
  expect(running.every(isAlive)).toBe(true);
  expect(await stopEngine(home)).toBe(true);
  expect(running.filter(isAlive)).toEqual([]);
  expect(await engineStatus(home)).toBeNull();
  expect(existsSync(enginePaths(home).stateFile)).toBe(false);
  expect(await stopEngine(home)).toBe(false);
});

test('a database outlives its engine', async () => {
  const home = newHome();
  const before = await namespaceOf(await start(home));
  await stopEngine(home);
  const after = await namespaceOf(await start(home));
  expect(after.namespaceInfo?.id).toBe(before.namespaceInfo?.id);
});

test('two callers at the same time get one engine, two homes get engines side by side', async () => {
  const [shared, other] = [newHome(), newHome()];
  const [first, second, beside] = await Promise.all([start(shared), start(shared), start(other)]);
  expect(second.pid).toBe(first.pid);
  expect(beside.pid).not.toBe(first.pid);
  expect(new Set([...Object.values(first.ports), ...Object.values(beside.ports)]).size).toBe(10);
  // Different databases show that each is answered by its own server.
  const ids = await Promise.all([namespaceOf(first), namespaceOf(beside)]);
  expect(ids[0].namespaceInfo?.id).not.toBe(ids[1].namespaceInfo?.id);
});

test('a killed server comes back on its port, a killed worker with the same settings', async () => {
  const home = newHome();
  const before = await start(home);
  process.kill(pidOf(before, 'server'), 'SIGKILL');
  process.kill(pidOf(before, 'worker'), 'SIGKILL');
  const after = await until(async () => {
    const status = await engineStatus(home);
    const back = status?.processes.filter(({ state, restarts }) => state === 'running' && restarts === 1);
    return back?.length === 2 && status;
  });
  expect(after.pid).toBe(before.pid);
  expect(after.ports).toEqual(before.ports);
  expect(pidOf(after, 'server')).not.toBe(pidOf(before, 'server'));
  expect(pidOf(after, 'emulator')).toBe(pidOf(before, 'emulator'));
  expect((await namespaceOf(after)).namespaceInfo?.name).toBe('default');
  const told = workersTold(home);
  expect(told).toHaveLength(2);
  expect(told[1]).toEqual({ ...told[0], pid: pidOf(after, 'worker') });
});

test('after kill -9 of the supervisor the next call clears away what it left and starts anew', async () => {
  const home = newHome();
  const before = await start(home);
  const children = identities(before).slice(1);
  process.kill(before.pid, 'SIGKILL');
  const after = await start(home);
  expect(after.pid).not.toBe(before.pid);
  expect(children.filter(isAlive)).toEqual([]);
  // Others may have taken the server's preferred ports meanwhile; nobody prefers these.
  const { emulator, comfyui } = before.ports;
  expect(after.ports).toMatchObject({ emulator, comfyui });
});

test('stopping after kill -9 of the supervisor leaves no process either', async () => {
  const home = newHome();
  const all = identities(await start(home));
  process.kill(all[0]!.pid, 'SIGKILL');
  expect(await stopEngine(home)).toBe(true);
  expect(all.filter(isAlive)).toEqual([]);
});

test('an engine that does not answer is stopped all the same', async () => {
  const home = newHome();
  const all = identities(await start(home));
  process.kill(all[0]!.pid, 'SIGSTOP');
  expect(await stopEngine(home)).toBe(true);
  expect(all.filter(isAlive)).toEqual([]);
});

test('a new key restarts the worker with it, the same key does not, and it is written nowhere', async () => {
  const home = newHome();
  const env = environment({ GEMINI_API_KEY: 'key-of-the-start' });
  expect((await start(home, { env })).live).toEqual(['gemini']);
  const credentials = { gemini: { apiKey: 'key-given-later', baseUrl: 'http://127.0.0.1:1' } };
  const status = await start(home, { credentials });
  await start(home, { credentials });
  expect(workersTold(home).map(({ apiKey }) => apiKey)).toEqual(['key-of-the-start', 'key-given-later']);
  expect(pidOf(status, 'worker')).toBe(workersTold(home)[1]?.pid);
  const emulatorSees = await (await fetch(`${status.emulatorUrl}/env`)).text();
  const paths = enginePaths(home);
  const written = [paths.stateFile, ...Object.values(paths.logs)].map((file) => readFileSync(file, 'utf8'));
  for (const text of [...written, emulatorSees, JSON.stringify(status)]) expect(text).not.toMatch(/key-(of|given)/);
});

test('a port that another process takes just before the emulator is left to it', async () => {
  const pidFile = join(root, 'thief.pid');
  try {
    const status = await start(newHome(), { env: environment({ TEST_STOLEN_PORT: pidFile }) });
    expect(pidOf(status, 'emulator')).toBeGreaterThan(0);
    expect(await (await fetch(status.emulatorUrl)).json()).toHaveProperty('PATH');
  } finally {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  }
});

test('a worker that cannot start is one error with its last words, and leaves nothing running', async () => {
  const home = newHome();
  await expect(start(home, { env: environment({ TEST_WORKER: 'broken-worker.ts' }) })).rejects.toMatchObject({
    code: 'ENGINE_START_FAILED',
    message: expect.stringMatching(/The worker did not start .*worker\.log.*the workflow bundle is missing/) as string,
  });
  expect(await requestStatus(enginePaths(home))).toBeNull();
  expect(readEngineState(enginePaths(home).stateFile)).toBeNull();
});

test('without an engine and without leave to start one the error says how', async () => {
  await expect(start(newHome(), { start: false })).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    action: expect.stringContaining('sluice up') as string,
  });
});

test('TEMPORAL_ADDRESS uses that server, registers what is missing there, and starts none', async () => {
  const server = await start(newHome());
  const home = newHome();
  const status = await start(home, { env: environment({ TEMPORAL_ADDRESS: server.address }) });
  expect(status).toMatchObject({ address: server.address, uiUrl: null, temporalBinary: null });
  expect(status.processes.map(({ name }) => name)).toEqual(['emulator', 'worker', 'api']);
  expect(workersTold(home)[0]).toMatchObject({ address: server.address });
  await expect(start(home, { env: environment({ TEMPORAL_ADDRESS: '127.0.0.1:9' }) })).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
  });
});
