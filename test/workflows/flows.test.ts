import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { rows } from '../support/rig.ts';
import { useFlows } from '../support/use-flows.ts';

const { flow: newFlow, writer: newWriter } = useFlows();

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

test('an item whose steps take longer than it may fails, and run again goes on with the rest', async () => {
  const writer = await newWriter({ faults: { rules: [{ prompt: 'More of it', fault: 'hang', times: 1 }] } });
  const { rig, submit } = await newFlow({
    steps: [
      { id: 'draft', uses: 'text', model: fixed(writer.model), with: { prompt: 'Write {{ item.prompt }}' } },
      { id: 'more', uses: 'text', model: fixed(writer.model), with: { prompt: 'More of it' } },
    ],
  });
  await submit({ spec: { itemTimeoutMs: 3_000 } });
  expect(await rig.summary()).toMatchObject({ status: 'failed', counts: { failed: 1 } });
  expect(rig.row('a1')).toMatchObject({ error_code: 'ITEM_TIMEOUT', calls: 2 });
  await rig.retry();
  expect(await rig.summary()).toMatchObject({ status: 'succeeded' });
  expect(writer.prompts.filter((prompt) => prompt === 'Write picture 1')).toHaveLength(1);
});

test('waiting for a person is not counted as time of the item', async () => {
  const { rig, submit } = await newFlow({
    steps: [
      { id: 'ask', uses: 'approve', with: { question: 'Go on?', time_limit_hours: 0.0002, default: 'approve' } },
      { id: 'file', uses: 'export', with: { format: 'text', text: 'done' } },
    ],
  });
  await submit({ spec: { itemTimeoutMs: 100, interactive: true } });
  expect(await rig.summary()).toMatchObject({ status: 'succeeded' });
});

test('an image in a loop is another one each round, and each stays', async () => {
  const { rig, submit, record } = await newFlow({
    steps: [
      {
        id: 'again',
        repeat: { atMost: 2, until: 'loop.round > 5' },
        steps: [{ id: 'picture', uses: 'image', with: { prompt: 'A cat' } }],
      },
    ],
  });
  await submit();
  expect(await rig.summary()).toMatchObject({ status: 'succeeded' });
  expect(new Set(rig.calls().map(({ request_hash }) => request_hash)).size).toBe(2);
  expect(rig.row('a1')).toMatchObject({ output_path: 'images/picture/2/a1.png', images: 2 });
  expect(record('a1', 'picture', 1)?.path).toBe('images/a1.png');
});
