import { describe, expect, test } from 'vitest';
import { rows } from '../support/rig.ts';
import { useFlows } from '../support/use-flows.ts';

const { flow: newFlow, writer: newWriter, space } = useFlows();

const fixed = (...models: string[]) => ({ rule: 'fixed' as const, models });

describe.concurrent('a model that is down', () => {
  test('is passed over for the next one of the step, which is in row, sidecar and search attribute', async () => {
    const down = await newWriter({ faults: { rules: [{ prompt: '', fault: 'server_error' }] } });
    const up = await newWriter();
    const { rig, submit } = await newFlow({
      steps: [{ id: 'text', uses: 'text', model: fixed(down.model, up.model), with: { prompt: 'Write' } }],
    });
    await submit({ spec: { retry: { maxAttempts: 2 } } });
    expect(await rig.summary()).toMatchObject({ status: 'succeeded' });
    expect([down.prompts.length, up.prompts.length]).toEqual([2, 1]);
    const row = rig.row('a1');
    expect(row).toMatchObject({ model: up.model, calls: 3 });
    expect(row.steps?.map(({ model, calls }) => [model, calls])).toEqual([
      [down.model, 2],
      [up.model, 1],
    ]);
    expect(JSON.parse(rig.read('metadata/a1.json'))).toMatchObject({ model: up.model });
    const { count } = await space().client.workflow.count(
      `SluiceBatch = '${rig.batchId}' AND SluiceModel = '${up.model}'`,
    );
    expect(count).toBe(1);
  });

  test('is not called for each of many items that have another one', async () => {
    const down = await newWriter({ faults: { rules: [{ prompt: '', fault: 'server_error' }] } });
    const up = await newWriter();
    const { rig, submit } = await newFlow({
      steps: [
        { id: 'text', uses: 'text', model: fixed(down.model, up.model), with: { prompt: 'Write {{ item.id }}' } },
      ],
    });
    await submit({ items: rows(5), spec: { limits: { concurrency: 1 }, retry: { maxAttempts: 2 } } });
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 5 } });
    expect(down.prompts).toEqual(['Write a1', 'Write a1', 'Write a2']);
    expect(up.prompts).toHaveLength(5);
  });

  test('because its quota is used up pauses the batch only when no other one is left', async () => {
    const empty = await newWriter({ faults: { rules: [{ prompt: '', fault: 'quota' }] } });
    const also = await newWriter({ faults: { rules: [{ prompt: '', fault: 'quota' }] } });
    const { rig, submit, record } = await newFlow({
      steps: [
        { id: 'text', uses: 'text', model: fixed(empty.model, also.model), with: { prompt: 'Write {{ item.id }}' } },
      ],
    });
    await submit({ items: rows(2), spec: { limits: { concurrency: 1 } } });
    const { pause, counts } = await rig.untilPaused();
    expect(pause?.kind).toBe('environment');
    expect(counts).toMatchObject({ failed: 0, pending: 2 });
    expect(also.prompts).toHaveLength(1);
    await also.emulate();
    await rig.batch.signal('resume');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 2, failed: 0 });
    expect(record('a2', 'text')?.model).toBe(also.model);
  });
});

test('of several models the one with the least load is called, and it stays with the item', async () => {
  const busy = await newWriter({ latencyMs: 1_000 });
  const idle = await newWriter();
  const { rig, submit } = await newFlow({
    steps: [
      {
        id: 'text',
        uses: 'text',
        model: { rule: 'least_loaded', models: [busy.model, idle.model] },
        with: { prompt: 'Write {{ item.id }}' },
      },
    ],
  });
  await submit({ items: rows(4), spec: { limits: { concurrency: 1 } } });
  expect((await rig.summary()).counts).toMatchObject({ succeeded: 4 });
  expect(busy.prompts.length + idle.prompts.length).toBe(4);
  expect(busy.prompts).toHaveLength(2);
});
