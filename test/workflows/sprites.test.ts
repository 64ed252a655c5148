import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { graphOf } from '../comfyui.ts';
import { useGpus } from '../support/sprite-rig.ts';

const { gpu, generate, space } = useGpus({
  plain: {},
  small: { vramGb: 24 },
  full: { faults: { rules: [{ match: 'a crowd', fault: 'oom' }] } },
  old: { profile: 'old' },
  new: { profile: 'new' },
  bare: { gpuClass: 'unequal', checkpoints: ['other.safetensors'] },
  stocked: { gpuClass: 'unequal' },
});

describe.concurrent('a batch of sprites', () => {
  test('makes every picture with its sidecar, several a prompt, and counts them', async () => {
    const made = await generate('plain', { prompts: ['knight', 'mage'], count: 5, batchSize: 4 });
    const summary = await made.batch.summary();
    expect(summary).toMatchObject({ status: 'succeeded', counts: { total: 4, succeeded: 4 } });
    expect(made.images()).toHaveLength(10);
    expect(made.images()[0]).toBe('sprite_0001_100.png');
    expect(readdirSync(join(made.output, 'metadata'))).toHaveLength(10);
    const facts = { batch_id: made.batchId, prompt: 'mage', seed: 105, batch_size: 4, batch_index: 0 };
    expect(made.sidecar('sprite_0006')).toMatchObject(facts);
    const said = { negative_prompt: 'blurry, text, watermark, frame, cropped, photo', aspect_ratio: null };
    expect(made.sidecar('sprite_0006')).toMatchObject(said);
    expect((await made.rows()).reduce((sum, row) => sum + row.images, 0)).toBe(10);
  });

  test('that is urgent is so in its own tasks too, and does not start behind the items of others', async () => {
    const { batch, batchId } = await generate('plain', { prompts: ['healer'], priority: 'urgent' });
    const { raw } = await space().client.workflow.getHandle(batchId).describe();
    expect(raw.workflowExecutionInfo?.priority?.priorityKey).toBe(1);
    expect(await batch.summary()).toMatchObject({ status: 'succeeded' });
  });

  test('too large for the GPU is made in smaller prompts, and remembered', async () => {
    const made = await generate('small', { prompts: ['dragon'], count: 16, batchSize: 8 });
    expect(await made.batch.summary()).toMatchObject({ status: 'succeeded', counts: { total: 2 } });
    expect(made.images()).toHaveLength(16);
    // The two that were under way at once did not fit; nothing of that size was tried again.
    expect(gpu('small').ended('error').length).toBeLessThanOrEqual(2);
    const ends = gpu('small')
      .log()
      .filter((row) => row.event === 'prompt_end');
    expect(ends.filter(({ status }) => status === 'success').map((end) => end.images)).toEqual([4, 4, 4, 4]);
  });

  test('goes on without a picture that is too large for the GPU even alone', async () => {
    const made = await generate('full', { prompts: ['a crowd', 'knight', 'mage'], batchSize: 1 });
    expect(await made.batch.summary()).toMatchObject({ status: 'failed', counts: { succeeded: 2, failed: 1 } });
    const failed = (await made.rows()).find(({ status }) => status === 'failed');
    expect(failed).toMatchObject({ request_id: 'sprite-0001', error_code: 'OUT_OF_MEMORY', calls: 3 });
    expect(failed?.error_message).toMatch(/ran out of memory in node 6 \(KSampler\)/);
    expect(gpu('full').ended('error')).toHaveLength(3);
    expect(made.images()).toEqual(['sprite_0002_101.png', 'sprite_0003_102.png']);
  });

  test('is made by the servers of its class that have its checkpoint', async () => {
    const made = await generate('unequal', { prompts: ['knight', 'mage', 'healer'], count: 2, batchSize: 1 });
    expect(await made.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 6 } });
    expect(gpu('stocked').ended('success')).toHaveLength(6);
    const events = gpu('bare').log();
    expect(events.map(({ event }) => event)).toEqual(['up']);
  });

  test('that no server of its class has the checkpoint for fails at once and says so', async () => {
    const made = await generate('unequal', { prompts: ['knight'], model: 'missing.safetensors' });
    expect(await made.batch.summary()).toMatchObject({ status: 'failed', counts: { failed: 1 } });
    const [row] = await made.rows();
    expect(row).toMatchObject({ error_code: 'INVALID_INPUT', calls: 2, images: 0 });
    expect(row?.error_message).toContain('missing.safetensors');
  });

  test.each(['old', 'new'] as const)('fails at once where a node is not installed on an %s server', async (server) => {
    const upscale = { class_type: 'FancyUpscale', inputs: { image: ['7', 0] } };
    const graph = { ...graphOf('sdxl-sprite'), 99: upscale };
    const made = await generate(server, { prompts: ['knight'], graph });
    expect(await made.batch.summary()).toMatchObject({ status: 'failed', counts: { failed: 1 } });
    const [row] = await made.rows();
    expect(row).toMatchObject({ error_code: 'INVALID_INPUT', calls: 1, images: 0 });
    expect(row?.error_message).toMatch(/ode 99 \(FancyUpscale\)|ode '99'.*FancyUpscale|FancyUpscale.*\b99\b/);
    expect(
      gpu(server)
        .log()
        .map(({ event }) => event),
    ).toEqual(['up']);
  });
});
