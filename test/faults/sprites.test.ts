import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readGpuLog } from '../../emulators/comfyui/gpu-log.ts';
import { closeAll, logPath, start } from '../comfyui.ts';
import { reportOf, Sandbox, until } from './sandbox.ts';

let sandbox: Sandbox;
/** Of both GPUs. */
let gpuLog: string;

beforeEach(async () => {
  gpuLog = logPath();
  const options = { gpuLog, timeScale: 0.5, loadSeconds: 0 };
  const gpus = await Promise.all(
    ['first', 'second'].map(async (gpu) => ({ name: gpu, url: (await start({ ...options, gpu })).url })),
  );
  sandbox = await Sandbox.create();
  sandbox.useGpus(gpus);
});
afterEach(async () => {
  await sandbox.close();
  await closeAll();
});

const rowsOf = (event: ReturnType<typeof readGpuLog>[number]['event']) =>
  readGpuLog(gpuLog).filter((row) => row.event === event);

test('a worker that is killed in the middle of prompts finds them again, and none runs twice', async () => {
  const command = ['generate', '--prompt', 'knight', '--count', '12', '--batch-size', '1', '-o', 'sprites', '--json'];
  const batch = sandbox.start(...command, '--wait');
  for (const sampling of [2, 6]) {
    await until(`${String(sampling)} prompts sample`, () => rowsOf('sample_start').length >= sampling);
    expect(await sandbox.kill('worker')).toBe(true);
    expect(rowsOf('queued').length).toBeLessThan(12);
  }
  const ended = await batch.ended;
  expect(reportOf(ended)).toMatchObject({ total: 12, succeeded: 12, failed: 0 });
  expect(readdirSync(join(sandbox.path('sprites'), 'images'))).toHaveLength(12);
  expect(rowsOf('prompt_start')).toHaveLength(12);
  const ends = readGpuLog(gpuLog).flatMap((row) => (row.event === 'prompt_end' ? [row] : []));
  expect(ends.map(({ status, images }) => [status, images])).toEqual(Array(12).fill(['success', 1]));
  expect(new Set(ends.map(({ prompt_id }) => prompt_id)).size).toBe(12);
});
