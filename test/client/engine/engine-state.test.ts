import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readEngineState, writeEngineState } from '../../../client/engine/engine-state.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-state-'));
  file = join(directory, 'engine.json');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const ports = { server: 7233, ui: 8233, emulator: 40_000 };
const state = {
  pid: 1,
  startId: 's',
  startedAt: '2026-01-01T00:00:00.000Z',
  buildId: 'b',
  address: '127.0.0.1:7233',
  namespace: 'default',
  processes: [{ name: 'server', pid: 2, startId: 't', restarts: 0 }],
};

test('what was written is read again', () => {
  writeEngineState(file, { ...state, ports: { ...ports, comfyui: 40_001, api: 8_400 } });
  expect(readEngineState(file)).toEqual({ ...state, ports: { ...ports, comfyui: 40_001, api: 8_400 } });
});

test('the record of an engine that had no ComfyUI emulator is read all the same', () => {
  writeFileSync(file, JSON.stringify({ ...state, ports }));
  expect(readEngineState(file)).toEqual({ ...state, ports: { ...ports, comfyui: null, api: null } });
});

test('a damaged record counts as none', () => {
  writeFileSync(file, '{"pid":');
  expect(readEngineState(file)).toBeNull();
});
