import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Flow } from '../../domain/flow.ts';
import { rows, type Rig } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: makeRig, space } = useNamespace();

const flow: Flow = {
  name: 'draw',
  steps: [{ id: 'draw', uses: 'image', with: { prompt: 'a harbour, {{ item.prompt }}' } }],
};

/** The same model for another batch, with an emulator that counts its calls alone. */
const again = (rig: Rig): Promise<Rig> => makeRig({}, rig.model);

function sidecar(rig: Rig): Record<string, unknown> {
  return JSON.parse(rig.read(`metadata/${rig.files('metadata')[0] ?? ''}`)) as Record<string, unknown>;
}

test('what a batch has paid for is used by the next one, which says where it is from', async () => {
  const first = await makeRig();
  await first.submit(rows(1), { flow });
  expect((await first.summary()).costUsd).toBeCloseTo(0.1, 6);

  const second = await again(first);
  await second.submit(rows(1), { flow });
  const summary = await second.summary();
  expect(summary).toMatchObject({ status: 'succeeded', costUsd: 0 });
  expect(second.calls()).toEqual([]);
  const source = `${first.batchId}/a1/draw`;
  const row = second.row('a1');
  expect(row).toMatchObject({ calls: 0, images: 0, cost_usd: 0, cached_from: source });
  expect(row.steps).toMatchObject([{ id: 'draw', cached_from: source }]);
  expect(second.read(row.output_path ?? '')).toBe(first.read(first.row('a1').output_path ?? ''));
  expect(sidecar(second)).toMatchObject({
    batch_id: second.batchId,
    cached_from: source,
    result: { cached_from: source, cost_usd: 0 },
    model_version: sidecar(first)['model_version'],
  });
  const [name = ''] = second.files('steps');
  expect(JSON.parse(second.read(`steps/${name}/draw.json`))).toMatchObject({ cached_from: source, calls: 0 });
});

test('another prompt, seed or model is another result', async () => {
  const first = await makeRig();
  await first.submit(rows(1), { flow });
  await first.summary();
  const second = await again(first);
  const other = rows(2, { 2: 'picture 1' }).map((row, place) => (place === 0 ? { ...row, seed: '7' } : row));
  await second.submit(other, { flow });
  await second.summary();
  expect(second.calls()).toHaveLength(2);
  const third = await makeRig();
  await third.submit(rows(1), { flow });
  await third.summary();
  expect(third.calls()).toHaveLength(1);
});

test('a batch that wants no cache makes everything anew and leaves nothing to others', async () => {
  const first = await makeRig();
  await first.submit(rows(1), { flow, spec: { cache: false } });
  await first.summary();
  const second = await again(first);
  await second.submit(rows(1), { flow });
  await second.summary();
  expect(second.calls()).toHaveLength(1);
  const third = await again(first);
  await third.submit(rows(1), { flow, spec: { cache: false } });
  await third.summary();
  expect(third.calls()).toHaveLength(1);
});

test('a flow of one image uses the cache only when it is told to', async () => {
  const first = await makeRig();
  await first.submit(rows(1), { spec: { cache: true } });
  await first.summary();
  const second = await again(first);
  await second.submit(rows(1));
  await second.summary();
  expect(second.calls()).toHaveLength(1);
  const third = await again(first);
  await third.submit(rows(1), { spec: { cache: true } });
  expect((await third.summary()).costUsd).toBe(0);
  expect(third.calls()).toEqual([]);
  expect(third.row('a1')).toMatchObject({ calls: 0, cached_from: `${first.batchId}/a1/image` });
});

test('a result that was altered on disk is made anew', async () => {
  const first = await makeRig();
  await first.submit(rows(1), { flow });
  await first.summary();
  const files = join(space().directory, 'cache', 'files');
  for (const at of readdirSync(files, { recursive: true, withFileTypes: true })) {
    if (at.isFile()) writeFileSync(join(at.parentPath, at.name), 'altered');
  }
  const second = await again(first);
  await second.submit(rows(1), { flow });
  await second.summary();
  expect(second.calls()).toHaveLength(1);
  expect(second.row('a1').cached_from).toBeUndefined();
});
