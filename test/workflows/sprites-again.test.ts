import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useGpus, type SpriteBatch, type TestGpu } from '../support/sprite-rig.ts';

const { gpu, generate } = useGpus({
  kept: {},
  emptied: {},
  between: { vramGb: 24 },
  torn: { vramGb: 24 },
  rejected: {},
});

/** Pictures by name: what is in them, and when they were written. */
function pictures(batch: SpriteBatch): Map<string, { bytes: Buffer; at: number }> {
  const at = (name: string) => join(batch.output, 'images', name);
  return new Map(
    batch.images().map((name) => [name, { bytes: readFileSync(at(name)), at: statSync(at(name)).mtimeMs }]),
  );
}

/** Removes the picture with this number, and its sidecar if it is said so. */
function lose(batch: SpriteBatch, number: number, what: 'image' | 'both'): void {
  const name = `sprite_${String(number).padStart(4, '0')}`;
  const files = batch.images().filter((image) => image.startsWith(name));
  for (const file of files) rmSync(join(batch.output, 'images', file));
  if (what === 'both') rmSync(join(batch.output, 'metadata', `${name}.json`));
}

/** What was made is forgotten by the server, and its files are gone. */
async function forget({ emulator }: TestGpu): Promise<void> {
  await emulator.restart();
  const folder = join(emulator.directory, 'output');
  for (const file of readdirSync(folder)) rmSync(join(folder, file));
}

describe.concurrent('a batch that is resumed after files were lost', () => {
  test('collects them from a server that still has them', async () => {
    const wish = { prompts: ['knight', 'mage'], count: 4, batchSize: 4 };
    const first = await generate('kept', wish);
    await first.batch.summary();
    const before = pictures(first);
    lose(first, 2, 'image');
    lose(first, 7, 'both');
    const again = await generate('kept', { ...wish, resumeIn: first.output });
    expect(await again.batch.summary()).toMatchObject({ status: 'succeeded', counts: { total: 2, succeeded: 2 } });
    const after = pictures(again);
    expect([...after].map(([name, { bytes }]) => [name, bytes])).toEqual(
      [...before].map(([name, { bytes }]) => [name, bytes]),
    );
    expect(gpu('kept').ended('success')).toHaveLength(2);
    const untouched = [...before.keys()].filter((name) => !/_000[27]_/.test(name));
    expect(untouched.map((name) => after.get(name)?.at)).toEqual(untouched.map((name) => before.get(name)?.at));
  });

  test('makes them again as they were, and writes no other', async () => {
    const wish = { prompts: ['knight', 'mage', 'rogue'], count: 4, batchSize: 4 };
    const first = await generate('emptied', wish);
    await first.batch.summary();
    const before = pictures(first);
    const facts = first.sidecar('sprite_0007');
    lose(first, 2, 'image');
    lose(first, 7, 'both');
    await forget(gpu('emptied'));
    const again = await generate('emptied', { ...wish, resumeIn: first.output });
    expect(await again.batch.summary()).toMatchObject({ counts: { succeeded: 2, skipped: 1 } });
    const after = pictures(again);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, { bytes, at }] of after) {
      expect(bytes.equals(before.get(name)?.bytes ?? Buffer.alloc(0)), name).toBe(true);
      expect(at === before.get(name)?.at, name).toBe(!/_000[27]_/.test(name));
    }
    const { seed, batch_size, batch_index, prompt_id } = facts;
    expect(again.sidecar('sprite_0007')).toMatchObject({ seed, batch_size, batch_index, prompt_id });
    // One prompt for each of the two items; the third was whole.
    expect(gpu('emptied').ended('success')).toHaveLength(3 + 2);
  });

  test('after a crash between two prompts of an item makes the second only', async () => {
    const wish = { prompts: ['knight'], count: 8, batchSize: 'auto' as const };
    const first = await generate('between', wish);
    await first.batch.summary();
    expect(gpu('between').ended('success')).toHaveLength(2);
    for (const number of [5, 6, 7, 8]) lose(first, number, 'both');
    await forget(gpu('between'));
    const again = await generate('between', { ...wish, resumeIn: first.output });
    expect(await again.batch.summary()).toMatchObject({ status: 'succeeded' });
    expect(again.images()).toHaveLength(8);
    const sizes = gpu('between')
      .log()
      .flatMap((row) => (row.event === 'prompt_end' ? [row.images] : []));
    expect(sizes).toEqual([4, 4, 4]);
    expect(again.sidecar('sprite_0005')).toMatchObject({ seed: 104, batch_size: 4, batch_index: 0 });
  });

  test('after a crash while pictures were stored stores the rest of them', async () => {
    const wish = { prompts: ['knight'], count: 8, batchSize: 'auto' as const };
    const first = await generate('torn', wish);
    await first.batch.summary();
    const before = pictures(first);
    for (const number of [3, 4, 8]) lose(first, number, 'both');
    const again = await generate('torn', { ...wish, resumeIn: first.output });
    expect(await again.batch.summary()).toMatchObject({ status: 'succeeded' });
    expect([...pictures(again).keys()]).toEqual([...before.keys()]);
    expect(gpu('torn').ended('success')).toHaveLength(2);
  });
});

test('sprites that are rejected are made by another prompt, and take the place of the ones before', async () => {
  const made = await generate('rejected', { prompts: ['knight', 'mage'], count: 2, batchSize: 2 });
  await made.batch.summary();
  const before = made.images();
  const [knight] = await made.rows();
  await made.reject(knight?.request_id ?? '', 'on a horse');
  expect(await made.batch.summary()).toMatchObject({ status: 'succeeded', counts: { total: 2, succeeded: 2 } });
  expect(gpu('rejected').ended('success')).toHaveLength(3);
  expect(made.images()).toHaveLength(before.length);
  expect(made.images().filter((name) => before.includes(name))).toHaveLength(2);
  const name = (knight?.output_path ?? '').replace(/^images\/(sprite_\d+)_.*$/, '$1');
  expect(made.sidecar(name)).toMatchObject({ again: 1, prompt: expect.stringMatching(/\n\non a horse$/) });
});
