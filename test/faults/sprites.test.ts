import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readGpuLog } from '../../emulators/comfyui/gpu-log.ts';
import { closeAll, logPath, start } from '../comfyui.ts';
import { reportOf, Sandbox, until } from './sandbox.ts';

let sandbox: Sandbox;
let gpuLog: string;

beforeEach(async () => {
  gpuLog = logPath();
  const servers = ['one', 'two'].map(async (name) => {
    const { url } = await start({ gpu: name, gpuLog, timeScale: 0.5, loadSeconds: 0 });
    return { name, url };
  });
  sandbox = await Sandbox.create();
  sandbox.useGpus(await Promise.all(servers));
});
afterEach(async () => {
  await sandbox.close();
  await closeAll();
});

const rowsOf = (event: ReturnType<typeof readGpuLog>[number]['event']) =>
  readGpuLog(gpuLog).filter((row) => row.event === event);

test('a worker that is killed in the middle of prompts finds them again, and none runs twice', async () => {
  const command = ['generate', '--prompt', 'knight', '--count', '8', '--batch-size', '1', '-o', 'sprites', '--json'];
  const batch = sandbox.start(...command, '--wait');
  for (const sampling of [1, 3]) {
    await until(`${String(sampling)} prompts sample`, () => rowsOf('sample_start').length >= sampling);
    expect(await sandbox.kill('worker')).toBe(true);
    expect(rowsOf('queued').length).toBeLessThan(8);
  }
  const ended = await batch.ended;
  expect(reportOf(ended)).toMatchObject({ total: 8, succeeded: 8, failed: 0 });
  expect(readdirSync(join(sandbox.path('sprites'), 'images'))).toHaveLength(8);
  expect(rowsOf('prompt_start')).toHaveLength(8);
  const ends = readGpuLog(gpuLog).flatMap((row) => (row.event === 'prompt_end' ? [row] : []));
  expect(ends.map(({ status, images }) => [status, images])).toEqual(Array(8).fill(['success', 1]));
  expect(new Set(ends.map(({ prompt_id }) => prompt_id)).size).toBe(8);
}, 240_000);
