import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { rows } from '../support/rig.ts';
import { useFlows } from '../support/use-flows.ts';

const { flow: newFlow, writer: newWriter, space } = useFlows();

const fixed = (...models: string[]) => ({ rule: 'fixed' as const, models });

describe.concurrent('a flow of several steps', () => {
  test('hands on what each step made, and its row says what each cost', async () => {
    const writer = await newWriter();
    const { rig, submit, record } = await newFlow({
      parameters: { tone: 'dry' },
      steps: [
        { id: 'outline', uses: 'text', model: fixed(writer.model), with: { prompt: 'Outline {{ item.prompt }}' } },
        {
          id: 'chapter',
          uses: 'text',
          model: fixed(writer.model),
          with: { prompt: '{{ parameters.tone }}: {{ steps.outline.text }}' },
        },
      ],
      output: 'chapter',
    });
    await submit({ items: rows(2) });
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 2 } });
    const outline = record('a1', 'outline');
    expect(writer.prompts).toContain('Outline picture 1');
    expect(writer.prompts).toContain(`dry: ${outline?.text ?? ''}`);
    const row = rig.row('a1');
    expect(row).toMatchObject({ output_path: 'texts/a1.md', model: writer.model, calls: 2, images: 0 });
    // A thousandth of a dollar for each token that came back.
    expect(row.cost_usd).toBeCloseTo(row.output_tokens / 1_000, 6);
    expect(row.steps).toMatchObject([
      { id: 'outline', model: writer.model, runs: 1, calls: 1, cost_usd: outline?.cost_usd },
      { id: 'chapter', model: writer.model, runs: 1, calls: 1 },
    ]);
    expect(rig.read('texts/a1.md').trim()).toBe(record('a1', 'chapter')?.text?.trim());
    expect(rig.files('texts')).toEqual(['a1.md', 'a2.md', 'outline']);
    const sidecar = z.looseObject({ prompt: z.string() }).parse(JSON.parse(rig.read('metadata/a1.json')));
    expect(sidecar).toMatchObject({ item_id: 'a1', model: writer.model, step: 'chapter' });
  });

  test('leaves a step out where its condition does not hold', async () => {
    const writer = await newWriter();
    const { rig, submit, record } = await newFlow({
      steps: [
        { id: 'draft', uses: 'text', model: fixed(writer.model), with: { prompt: 'Write {{ item.prompt }}' } },
        {
          id: 'more',
          uses: 'text',
          when: 'item.index == 1',
          model: fixed(writer.model),
          with: { prompt: 'Go on: {{ item.prompt }}' },
        },
      ],
    });
    await submit({ items: rows(2) });
    await rig.summary();
    expect(record('a1', 'more')).toBeNull();
    expect(rig.row('a1')).toMatchObject({ output_path: 'texts/draft/a1.md', calls: 1 });
    expect(rig.row('a1').steps?.map(({ id }) => id)).toEqual(['draft']);
    expect(rig.row('a2')).toMatchObject({ output_path: 'texts/a2.md', calls: 2 });
  });

  test('makes an image of what a model wrote', async () => {
    const writer = await newWriter({ words: 5 });
    const { rig, submit, record } = await newFlow({
      steps: [
        { id: 'scene', uses: 'text', model: fixed(writer.model), with: { prompt: 'Describe {{ item.prompt }}' } },
        { id: 'picture', uses: 'image', with: { prompt: '{{ steps.scene.text }}', aspect_ratio: '16:9' } },
      ],
    });
    await submit();
    expect(await rig.summary()).toMatchObject({ status: 'succeeded' });
    expect(rig.calls()).toMatchObject([{ prompt: record('a1', 'scene')?.text }]);
    expect(rig.row('a1')).toMatchObject({ output_path: 'images/a1.png', images: 1, calls: 2 });
    expect(record('a1', 'picture')).toMatchObject({ path: 'images/a1.png', model: rig.model });
  });

  test('puts what was asked for as an object into the record and a JSON file', async () => {
    const writer = await newWriter({ faults: { rules: [{ prompt: '', fault: 'wrong_shape', times: 1 }] } });
    const schema = { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] };
    const { rig, submit, record } = await newFlow({
      steps: [
        { id: 'idea', uses: 'text', model: fixed(writer.model), with: { prompt: 'An idea', schema, temperature: 0.2 } },
      ],
    });
    await submit();
    expect(await rig.summary()).toMatchObject({ status: 'succeeded' });
    expect(record('a1', 'idea')?.json).toHaveProperty('title');
    expect(JSON.parse(rig.read('texts/a1.json'))).toEqual(record('a1', 'idea')?.json);
    expect(rig.row('a1')).toMatchObject({ calls: 2, output_path: 'texts/a1.json' });
    const { request } = z.object({ request: z.looseObject({}) }).parse(record('a1', 'idea')?.facts);
    expect(request).toMatchObject({ temperature: 0.5 });
  });
});

describe.concurrent('a loop', () => {
  const loop = (model: string, until: string) => ({
    steps: [
      {
        id: 'rewriting',
        repeat: { atMost: 3, until },
        steps: [
          {
            id: 'draft',
            uses: 'text' as const,
            model: fixed(model),
            with: {
              prompt: '{% if loop.round > 1 %}Not good: {{ steps.look.failures }}. {% endif %}Write {{ item.prompt }}',
            },
          },
          {
            id: 'look',
            uses: 'check' as const,
            with: { rules: [{ that: 'loop.round >= 2', message: 'Too early.' }] },
          },
        ],
      },
    ],
    output: 'draft',
  });

  test('ends when its condition holds, and keeps what each round made', async () => {
    const writer = await newWriter();
    const { rig, submit, record } = await newFlow(loop(writer.model, 'steps.look.passed'));
    await submit();
    expect(await rig.summary()).toMatchObject({ status: 'succeeded' });
    expect(writer.prompts).toEqual(['Write picture 1', 'Not good: ["Too early."]. Write picture 1']);
    expect(record('a1', 'look', 1)).toMatchObject({ passed: false, failures: ['Too early.'] });
    expect(record('a1', 'look', 2)).toMatchObject({ passed: true });
    expect(rig.read('texts/a1.md').trim()).toBe(record('a1', 'draft', 2)?.text?.trim());
    expect(rig.row('a1').steps).toMatchObject([
      { id: 'draft', runs: 2, calls: 2 },
      { id: 'look', model: '', runs: 2, calls: 0 },
    ]);
  });

  test('ends after its last round, and the item goes on with what it has', async () => {
    const writer = await newWriter();
    const { rig, submit } = await newFlow(loop(writer.model, 'loop.round > 5'));
    await submit();
    expect(await rig.summary()).toMatchObject({ status: 'succeeded' });
    expect(writer.prompts).toHaveLength(3);
  });

  test('with a check that must pass fails the item, with what it cost', async () => {
    const writer = await newWriter();
    const { rig, submit } = await newFlow({
      steps: [
        { id: 'draft', uses: 'text', model: fixed(writer.model), with: { prompt: 'Write' } },
        {
          id: 'look',
          uses: 'check',
          with: {
            rules: [{ that: '(steps.draft.text | number_of_words) > 5000', message: 'Too short.' }],
            on_failure: 'fail',
          },
        },
      ],
    });
    await submit();
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'failed', counts: { failed: 1 } });
    const row = rig.row('a1');
    expect(row).toMatchObject({ error_code: 'CHECK_FAILED', error_message: 'Too short.', calls: 1 });
    expect(row.cost_usd).toBeGreaterThan(0);
    expect(summary.costUsd).toBeCloseTo(row.cost_usd, 6);
  });
});

describe.concurrent('what a finished step made', () => {
  const twoSteps = (model: string) => ({
    parameters: { tone: 'dry' },
    steps: [
      { id: 'one', uses: 'text' as const, model: fixed(model), with: { prompt: 'One {{ item.prompt }}' } },
      {
        id: 'two',
        uses: 'text' as const,
        model: fixed(model),
        with: { prompt: 'Two {{ parameters.tone }} {{ item.prompt }}' },
      },
    ],
  });

  test('is not paid again when a later step failed and is run again', async () => {
    const writer = await newWriter({ faults: { rules: [{ prompt: '^Two', fault: 'refused', times: 1 }] } });
    const { rig, submit, record } = await newFlow(twoSteps(writer.model));
    await submit();
    const first = await rig.summary();
    expect(first.counts).toMatchObject({ failed: 1 });
    expect(first.costUsd).toBeGreaterThan(0);
    const one = record('a1', 'one');
    await rig.retry();
    const second = await rig.summary();
    expect(second.counts).toMatchObject({ succeeded: 1 });
    expect(writer.prompts.filter((prompt) => prompt.startsWith('One'))).toHaveLength(1);
    expect(record('a1', 'one')).toEqual(one);
    const row = rig.row('a1');
    expect(row.steps).toMatchObject([
      { id: 'one', reused: 1, calls: 0, cost_usd: 0 },
      { id: 'two', calls: 1 },
    ]);
    // What the first run paid for is in its row, and is not counted again.
    expect(second.costUsd).toBeCloseTo(first.costUsd + row.cost_usd, 6);
  });

  test('is done again where parameters changed what it was asked, and only there', async () => {
    const writer = await newWriter({ faults: { rules: [{ prompt: '^Two dry', fault: 'refused' }] } });
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    await submit();
    await rig.summary();
    await rig.retry({ parameters: { tone: 'warm' } });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1 });
    expect(writer.prompts).toEqual(['One picture 1', 'Two dry picture 1', 'Two warm picture 1']);
  });

  test('stays when a redrive calls another model for what is left, any number of times', async () => {
    const refusing = { faults: { rules: [{ prompt: '^Two', fault: 'refused' as const }] } };
    const writer = await newWriter(refusing);
    const second = await newWriter(refusing);
    const third = await newWriter();
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    await submit();
    await rig.summary();
    await rig.retry({ model: second.model });
    expect((await rig.summary()).counts).toMatchObject({ failed: 1 });
    await rig.retry({ model: third.model, codes: ['CONTENT_BLOCKED'], itemIds: ['a1'] });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1 });
    expect([writer, second, third].map(({ prompts }) => prompts)).toEqual([
      ['One picture 1', 'Two dry picture 1'],
      ['Two dry picture 1'],
      ['Two dry picture 1'],
    ]);
    expect(rig.row('a1')).toMatchObject({ model: third.model });
  });

  test('is not paid again by a resumed batch; a file that was lost is written from the record', async () => {
    const writer = await newWriter();
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    await submit({ items: rows(2) });
    await rig.summary();
    await submit({ items: rows(2), resume: true });
    expect((await rig.summary()).counts).toMatchObject({ skipped: 2, succeeded: 0 });
    const text = rig.read('texts/a2.md');
    rmSync(join(rig.output, 'texts/a2.md'));
    await submit({ items: rows(2), resume: true });
    expect((await rig.summary()).counts).toMatchObject({ skipped: 1, succeeded: 1 });
    expect(rig.read('texts/a2.md')).toBe(text);
    expect(writer.prompts).toHaveLength(4);
  });
});

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

test('an item that is cancelled between two steps reports what it paid for', async () => {
  const writer = await newWriter({ latencyMs: 1_500 });
  const { rig, submit } = await newFlow({
    steps: ['one', 'two'].map((id) => ({
      id,
      uses: 'text' as const,
      model: fixed(writer.model),
      with: { prompt: `${id} {{ item.prompt }}` },
    })),
  });
  await submit();
  await rig.until(() => writer.prompts.length === 1);
  await rig.item('a1').cancel();
  expect((await rig.summary()).counts).toMatchObject({ cancelled: 1 });
  const row = rig.row('a1');
  expect(row).toMatchObject({ status: 'cancelled', error_code: 'CANCELLED', calls: 1 });
  expect(row.cost_usd).toBeGreaterThan(0);
  expect(writer.prompts).toHaveLength(1);
});
