import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimateFlow, expectedRounds } from '../../domain/estimate-flow.ts';
import type { Flow, FlowEntry, Loop } from '../../domain/flow.ts';
import { modelsFileSchema, type Model } from '../../domain/models.ts';

/** A dollar for each token of an answer, nothing for those of a prompt. */
const byAnswer = model(0, 1_000_000);
const byPrompt = model(1_000_000, 0);

function model(input: number, output: number): Model {
  const file = modelsFileSchema.parse({
    models: {
      m: {
        provider: 'gemini',
        kind: 'text',
        price: { input_per_million: input, output_per_million: output },
        max_output_tokens: 100_000,
      },
      i: {
        provider: 'gemini',
        kind: 'image',
        price: { per_image: 1, input_per_million: 0, output_text_per_million: 0 },
        image_tokens: 1,
      },
    },
    quality: { draft: 'i', standard: 'i', high: 'i' },
  });
  return file.models['m']!;
}

const step = (id: string, more: object = {}): FlowEntry => ({
  id,
  uses: 'text',
  model: { rule: 'fixed', models: ['m'] },
  ...more,
});

function estimate(steps: FlowEntry[], price = byAnswer, item: Record<string, unknown> = {}) {
  const flow: Flow = { name: 'story', steps, parameters: { words: 300 } };
  const chosen = Object.fromEntries(
    steps
      .flatMap((entry) => ('repeat' in entry ? entry.steps : [entry]))
      .flatMap(({ id, model }) => (model?.rule === 'fixed' ? [[id, { key: 'm', model: price }]] : [])),
  );
  const models = { models: { m: price, n: byPrompt } } as never;
  return estimateFlow({ flow, item, chosen, models, pictures: 2, gpuClass: '24gb' });
}

test('an answer is as long as the flow expects, which may depend on parameters, and no longer than its bound', () => {
  const words = step('a', { with: { prompt: 'x', expected_tokens: '{{ parameters.words | times: 2 }}' } });
  expect(estimate([words]).costUsd).toBe(600);
  expect(estimate([step('a', { with: { prompt: 'x', max_output_tokens: 200 } })]).costUsd).toBe(200);
  expect(estimate([step('a', { with: { prompt: 'x', max_output_tokens: 50_000 } })]).costUsd).toBe(1_000);
});

test('a prompt is as long as it is with the row, what earlier steps will have written, and the schema of the answer', () => {
  const steps = [
    step('a', { with: { prompt: '{{ item.text }}', expected_tokens: 50 } }),
    step('b', { with: { prompt: '{{ steps.a.text }}{{ steps.a.text }}' } }),
  ];
  const row = { text: 'x'.repeat(400) };
  expect(estimate(steps, byPrompt, row).costUsd).toBe(200);
  const schema = { type: 'object', properties: {} };
  const [first] = [step('a', { with: { prompt: '{{ item.text }}', schema } })];
  expect(estimate([first], byPrompt, row).costUsd).toBe(100 + Math.ceil(JSON.stringify(schema).length / 4));
});

test('a step whose condition does not hold costs nothing', () => {
  const skipped = step('a', { when: 'item.wanted', with: { prompt: 'x' } });
  expect(estimate([skipped], byAnswer, { wanted: false })).toMatchObject({ costUsd: 0, models: {}, seconds: 0 });
});

const loop = (repeat: Partial<Loop['repeat']>, prompt = 'x'): FlowEntry => ({
  id: 'again',
  repeat: { atMost: 3, until: 'steps.a.text', ...repeat },
  steps: [step('a', { with: { prompt, expected_tokens: 100 } }) as never],
});

test('a loop costs its expected rounds, between one round and all of them', () => {
  expect(estimate([loop({ atMost: 1 })])).toMatchObject({ costUsd: 100, leastUsd: 100, mostUsd: 100 });
  expect(estimate([loop({})])).toMatchObject({ costUsd: 175, leastUsd: 100, mostUsd: 300 });
  expect(estimate([loop({ expect: 2.5 })])).toMatchObject({ costUsd: 250, leastUsd: 100, mostUsd: 300 });
});

test('only later rounds see what earlier ones wrote, and what stands behind a loop sees it too', () => {
  const again = loop({ expect: 2 }, '{% if loop.round > 1 %}{{ steps.a.text }}{% endif %}....');
  expect(estimate([again], byPrompt).costUsd).toBe(1 + 101);
  const after = step('b', { with: { prompt: '{{ steps.a.text }}' } });
  expect(estimate([again, after], byPrompt).costUsd).toBe(1 + 101 + 100);
});

test('calls are told by the model that makes them; one that is chosen by load has an equal share of each', () => {
  const any = step('b', { model: { rule: 'least_loaded', models: ['m', 'n'] }, with: { prompt: 'x' } });
  const { models } = estimate([step('a', { with: { prompt: 'x', expected_tokens: 100 } }), any]);
  expect(models).toMatchObject({ m: { calls: 1.5 }, n: { calls: 0.5 } });
});

test('pictures on GPUs cost time alone, and are told by the class of the GPUs', () => {
  const steps = [step('a', { uses: 'comfy', model: undefined }), step('b', { uses: 'comfy', gpuClass: '48gb' })];
  expect(estimate([step('a', { uses: 'comfy', model: undefined, with: { count: 5 } })]).models).toMatchObject({
    'gpu.24gb': { calls: 1, images: 5 },
  });
  const { costUsd, models, seconds } = estimate(steps);
  expect(models).toMatchObject({ 'gpu.24gb': { images: 2 }, 'gpu.48gb': { images: 2 } });
  expect(costUsd).toBe(0);
  expect(seconds).toBeGreaterThan(0);
});

test('the rounds expected of a loop lie between one and its bound, and grow with it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), (atMost) => {
      const rounds = expectedRounds({ atMost });
      expect(rounds).toBeGreaterThanOrEqual(1);
      expect(rounds).toBeLessThanOrEqual(atMost);
      expect(expectedRounds({ atMost: atMost + 1 })).toBeGreaterThan(rounds);
    }),
  );
});

test('a template that cannot be rendered yet is as long as it is written', () => {
  const unknown = step('a', { with: { prompt: '{{ item.nothing.at.all }}....' } });
  expect(estimate([unknown], byPrompt).costUsd).toBeGreaterThan(0);
});
