import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimateFlow, expectedRounds } from '../../domain/estimate-flow.ts';
import type { Flow, FlowEntry } from '../../domain/flow.ts';
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
    steps.flatMap((entry) => ('repeat' in entry ? entry.steps : [entry])).map(({ id }) => [id, { model: price }]),
  );
  return estimateFlow({ flow, item, chosen, models: { models: { m: price } } as never });
}

test('an answer is as long as the flow expects, which may depend on parameters', () => {
  expect(
    estimate([step('a', { with: { prompt: 'x', expected_tokens: '{{ parameters.words | times: 2 }}' } })]),
  ).toEqual({
    a: 600,
  });
});

test('a prompt is as long as it is with the row and with what earlier steps will have written', () => {
  const steps = [
    step('a', { with: { prompt: '{{ item.text }}', expected_tokens: 50 } }),
    step('b', { with: { prompt: '{{ steps.a.text }}{{ steps.a.text }}' } }),
  ];
  expect(estimate(steps, byPrompt, { text: 'x'.repeat(400) })).toEqual({ a: 100, b: 100 });
});

test('a step whose condition does not hold costs nothing', () => {
  expect(estimate([step('a', { when: 'item.wanted', with: { prompt: 'x' } })], byAnswer, { wanted: false })).toEqual(
    {},
  );
});

test('a loop costs its expected rounds, of which only later ones see the earlier', () => {
  const loop = (atMost: number): FlowEntry => ({
    id: 'again',
    repeat: { atMost, until: 'steps.a.text' },
    steps: [step('a', { with: { prompt: 'x', expected_tokens: 100 } }) as never],
  });
  expect(estimate([loop(1)])).toEqual({ a: 100 });
  expect(estimate([loop(3)])).toEqual({ a: 175 });
});

test('the rounds expected of a loop lie between one and its bound, and grow with it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), (atMost) => {
      const rounds = expectedRounds(atMost);
      expect(rounds).toBeGreaterThanOrEqual(1);
      expect(rounds).toBeLessThanOrEqual(atMost);
      expect(expectedRounds(atMost + 1)).toBeGreaterThan(rounds);
    }),
  );
});

test('a template that cannot be rendered yet is as long as it is written', () => {
  expect(estimate([step('a', { with: { prompt: '{{ item.nothing.at.all }}....' } })], byPrompt)['a']).toBeGreaterThan(
    0,
  );
});
