import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseModels, type ChoiceContext } from '../../domain/choose-models.ts';
import type { Flow, ModelChoice } from '../../domain/flow.ts';
import { modelsFileSchema } from '../../domain/models.ts';

const text = {
  provider: 'gemini',
  kind: 'text',
  price: { input_per_million: 1, output_per_million: 1 },
  max_output_tokens: 1_000,
};
const image = {
  provider: 'gemini',
  kind: 'image',
  price: { per_image: 0.04, input_per_million: 0, output_text_per_million: 0 },
  image_tokens: 1,
};
const names = ['a', 'b', 'c', 'd'];
const models = modelsFileSchema.parse({
  models: { ...Object.fromEntries(names.map((name) => [name, text])), low: image, high: image },
  aliases: { friend: 'b' },
  quality: { draft: 'low', standard: 'low', high: 'high' },
});

const flowWith = (model?: ModelChoice): Flow => ({
  name: 'story',
  steps: [
    { id: 'draft', uses: 'text', ...(model === undefined ? {} : { model }) },
    { id: 'cover', uses: 'image' },
    { id: 'qc', uses: 'check' },
  ],
});

function choose(model: ModelChoice, change: Partial<ChoiceContext> = {}) {
  const context = { models, batchModel: null, rowModels: [], quality: 'standard', index: 0, data: {} } as const;
  const choice = chooseModels(flowWith(model), { ...context, ...change });
  if (!choice.ok) throw new Error(choice.message);
  return Object.fromEntries(Object.entries(choice.steps).map(([id, { key }]) => [id, key]));
}

const byGenre: ModelChoice = {
  rule: 'by_field',
  field: 'genre',
  table: { 'romantic-comedy': 'b', horror: 'c' },
  models: ['a', 'd'],
};

test('a fixed choice is its first model, an image step goes by the row’s quality, a check calls none', () => {
  expect(choose({ rule: 'fixed', models: ['c', 'a'] })).toEqual({ draft: 'c', cover: 'low' });
  expect(choose({ rule: 'fixed', models: ['c'] }, { quality: 'high' })['cover']).toBe('high');
});

test.each([
  ['Romantic Comedy', 'b'],
  ['romantic_comedy', 'b'],
  [' HORROR ', 'c'],
  ['poetry', 'a'],
  ['constructor', 'a'],
  ['', 'a'],
  [null, 'a'],
])('a choice by field takes for %s the model %s', (genre, model) => {
  expect(choose(byGenre, { data: { genre } })['draft']).toBe(model);
});

test('a choice by load is left to the moment the step begins', () => {
  expect(choose({ rule: 'least_loaded', models: ['a', 'b'] })).toEqual({ cover: 'low' });
});

test('the row’s model goes before the batch’s, and that before the flow’s, each for steps of its kind', () => {
  const fixed: ModelChoice = { rule: 'fixed', models: ['a'] };
  expect(choose(fixed, { batchModel: 'friend' })).toEqual({ draft: 'b', cover: 'low' });
  const rowModels = [{ column: 'image_model', name: 'high' }];
  expect(choose(fixed, { batchModel: 'friend', rowModels })).toEqual({ draft: 'b', cover: 'high' });
});

test('a model of the row that there is not is told with those there are', () => {
  const rowModels = [{ column: 'image_model', name: 'gpt-9' }];
  const context = { models, batchModel: null, quality: 'standard', index: 0, data: {} } as const;
  expect(chooseModels(flowWith({ rule: 'fixed', models: ['a'] }), { ...context, rowModels })).toEqual({
    ok: false,
    message: 'image_model: must be one of a, b, c, d, low, high (got "gpt-9")',
  });
});

test('round robin gives every model the same share, whatever the number of items, and repeats', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), fc.nat({ max: 500 }), (list, count) => {
      const pick = (index: number) => choose({ rule: 'round_robin', models: list }, { index })['draft'];
      const picked = Array.from({ length: count }, (_, index) => pick(index));
      const shares = list.map((name) => picked.filter((one) => one === name).length);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      if (count > 0) expect(pick(count - 1)).toBe(picked.at(-1));
    }),
  );
});

test('every item gets a model of the choice, whatever its row says', () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string()));
  fc.assert(
    fc.property(value, (genre) => {
      expect(['a', 'b', 'c']).toContain(choose(byGenre, { data: { genre } })['draft']);
    }),
  );
});
