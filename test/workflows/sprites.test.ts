import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BatchHandle } from '../../client/batch-handle.ts';
import { planSprites, type SpriteOptions } from '../../client/sprites.ts';
import { submit } from '../../client/submit.ts';
import { listJobs } from '../../client/jobs.ts';
import type { ComfyEmulatorOptions } from '../../emulators/comfyui/options.ts';
import type { ComfyEmulator } from '../../emulators/comfyui/server.ts';
import { readGpuLog } from '../../emulators/comfyui/gpu-log.ts';
import { closeAll, logPath, start } from '../comfyui.ts';
import { useNamespace } from '../support/use-namespace.ts';

const kinds = {
  plain: {},
  small: { vramGb: 24 },
  slow: { timeScale: 0.1 },
} satisfies Record<string, ComfyEmulatorOptions>;
type Kind = keyof typeof kinds;

const servers = new Map<Kind, { emulator: ComfyEmulator; log: string }>();
const { space } = useNamespace(async () =>
  Promise.all(
    Object.entries(kinds).map(async ([name, options]) => {
      const gpuLog = logPath();
      const emulator = await start({ vramGb: 48, gpuLog, gpu: name, ...options });
      servers.set(name as Kind, { emulator, log: gpuLog });
      return { name, url: emulator.url, classes: ['any', name] };
    }),
  ),
);
afterAll(closeAll);

async function generate(kind: Kind, options: Omit<SpriteOptions, 'output'>) {
  const { client, models, directory } = space();
  const output = mkdtempSync(join(directory, 'sprites-'));
  const plan = await planSprites(directory, { gpuClass: kind, seed: 100, ...options, output });
  const engine = { home: directory, address: '', namespace: client.options.namespace };
  const { batchId } = await submit({ engine, client, models, mode: 'emulated', gpuMode: 'live' }, plan.submit);
  return { output, plan, batchId, batch: new BatchHandle(client, batchId) };
}

/** What the GPU did. */
function prompts(kind: Kind): ReturnType<typeof readGpuLog> {
  return readGpuLog(servers.get(kind)?.log ?? '');
}

describe.concurrent('a batch of sprites', () => {
  test('makes every picture with its sidecar, several a prompt, and counts them', async () => {
    const { output, batch, batchId } = await generate('plain', { prompts: ['knight', 'mage'], count: 5, batchSize: 4 });
    const summary = await batch.summary();
    expect(summary).toMatchObject({ status: 'succeeded', counts: { total: 4, succeeded: 4 } });
    const names = readdirSync(join(output, 'images')).sort();
    expect(names).toHaveLength(10);
    expect(names[0]).toBe('sprite_0001_100.png');
    expect(readdirSync(join(output, 'metadata'))).toHaveLength(10);
    const sidecar = JSON.parse(readFileSync(join(output, 'metadata/sprite_0006.json'), 'utf8')) as object;
    expect(sidecar).toMatchObject({ batch_id: batchId, prompt: 'mage', seed: 105, batch_size: 4, batch_index: 0 });
    const rows = await Array.fromAsync(listJobs(batch));
    expect(rows.reduce((sum, row) => sum + row.images, 0)).toBe(10);
  });

  test('that is urgent is so in its own tasks too, and does not start behind the items of others', async () => {
    const { batch, batchId } = await generate('plain', { prompts: ['healer'], priority: 'urgent' });
    const { raw } = await space().client.workflow.getHandle(batchId).describe();
    expect(raw.workflowExecutionInfo?.priority?.priorityKey).toBe(1);
    expect(await batch.summary()).toMatchObject({ status: 'succeeded' });
  });

  test('too large for the GPU is made in smaller prompts, and remembered', async () => {
    const { output, batch } = await generate('small', { prompts: ['dragon'], count: 16, batchSize: 8 });
    expect(await batch.summary()).toMatchObject({ status: 'succeeded', counts: { total: 2 } });
    expect(readdirSync(join(output, 'images'))).toHaveLength(16);
    const ends = prompts('small').filter((row) => row.event === 'prompt_end');
    // The two that were under way at once did not fit; nothing of that size was tried again.
    expect(ends.filter(({ status }) => status === 'error').length).toBeLessThanOrEqual(2);
    expect(ends.filter(({ status }) => status === 'success').map(({ images }) => images)).toEqual([4, 4, 4, 4]);
  });
});
