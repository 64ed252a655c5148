import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Flow } from '../../domain/flow.ts';
import { parseStepRecord } from '../../domain/step-record.ts';
import { eventually } from '../support/eventually.ts';
import { useGpus } from '../support/sprite-rig.ts';

const { gpu, generate } = useGpus({ one: {}, slow: { timeScale: 0.5 } });

const flow: Flow = {
  name: 'two-looks',
  steps: [
    { id: 'sketch', uses: 'comfy', with: { prompt: 'sketch of {{ item.prompt }}' } },
    {
      id: 'final',
      uses: 'comfy',
      with: { prompt: 'oil painting of {{ item.prompt }}, after {{ steps.sketch.path }}' },
    },
  ],
};

test('a flow makes pictures on GPUs in several steps, each with a prompt, files and a record of its own', async () => {
  const made = await generate('one', { prompts: ['knight'], count: 2, batchSize: 2, flow });
  expect(await made.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
  expect(made.images()).toEqual(['sketch', 'sprite_0001_100.png', 'sprite_0002_100.png']);
  expect(made.sidecar('sketch/sprite_0001')).toMatchObject({ prompt: 'sketch of knight' });
  expect(made.sidecar('sprite_0001')).toMatchObject({
    prompt: 'oil painting of knight, after images/sketch/sprite_0001_100.png',
  });
  const [row] = await made.rows();
  expect(row).toMatchObject({ output_path: 'images/sprite_0001_100.png', images: 4, calls: 2 });
  expect(row?.steps).toMatchObject([
    { id: 'sketch', images: 2 },
    { id: 'final', images: 2 },
  ]);
  const record = parseStepRecord(readFileSync(join(made.output, 'steps/sprite_0001/sketch.json'), 'utf8'));
  expect(record).toMatchObject({ path: 'images/sketch/sprite_0001_100.png', model: row?.model });
});

test('of such an item a resumed batch makes again only what is gone', async () => {
  const made = await generate('one', { prompts: ['mage'], flow });
  await made.batch.summary();
  const before = gpu('one').ended('success').length;
  rmSync(join(made.output, 'images/sprite_0001_100.png'));
  const again = await generate('one', { prompts: ['mage'], flow, resumeIn: made.output });
  expect(await again.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
  expect(again.images()).toEqual(['sketch', 'sprite_0001_100.png']);
  expect(gpu('one').ended('success').length - before).toBeLessThanOrEqual(1);
});

test('pictures that another batch has made by the same graph, prompt and seed are used again, and say where they are from', async () => {
  const first = await generate('one', { prompts: ['rogue'], count: 2, batchSize: 2, flow });
  await first.batch.summary();
  const before = gpu('one').ended('success').length;
  const second = await generate('one', { prompts: ['rogue'], count: 2, batchSize: 2, flow });
  expect(await second.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
  expect(gpu('one').ended('success')).toHaveLength(before);
  expect(second.images()).toEqual(first.images());
  const picture = (batch: typeof first): string =>
    readFileSync(join(batch.output, 'images/sprite_0002_100.png'), 'hex');
  expect(picture(second)).toBe(picture(first));
  const source = `${first.batchId}/sprite-0001/final`;
  expect(second.sidecar('sprite_0002')).toMatchObject({ cached_from: source, batch_index: 1, seed: 100 });
  const [row] = await second.rows();
  expect(row).toMatchObject({ calls: 0, images: 0, cached_from: source });
  const other = await generate('one', { prompts: ['rogue'], count: 2, batchSize: 2, flow, spec: { cache: false } });
  await other.batch.summary();
  expect(gpu('one').ended('success').length).toBe(before + 2);
});

test('a picture that takes longer than its item may is broken off on its GPU', async () => {
  const made = await generate('slow', { prompts: ['giant'], spec: { itemTimeoutMs: 500 } });
  expect(await made.batch.summary()).toMatchObject({ status: 'failed', counts: { failed: 1 } });
  expect(await made.rows()).toMatchObject([{ error_code: 'ITEM_TIMEOUT', calls: 1 }]);
  // A server that loads a checkpoint heeds it only afterwards.
  await eventually(() => gpu('slow').ended('interrupted').length === 1);
  expect(gpu('slow').ended('success')).toEqual([]);
});
