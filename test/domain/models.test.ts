import { expect, it } from 'vitest';
import { costUsd, estimateImageUsd, findModel, modelsFileSchema, type Model } from '../../domain/models.ts';

const model: Model = {
  provider: 'gemini',
  kind: 'image',
  price: { per_image: 0.04, input_per_million: 1, output_text_per_million: 10 },
  image_tokens: 1290,
  limits: { requests_per_minute: null, tokens_per_minute: null, images_per_minute: null, concurrency: null },
};
const quality = { draft: 'm', standard: 'm', high: 'm' };

it('pays images by the piece and only the remaining output tokens as text', () => {
  expect(costUsd(model, { inputTokens: 1000, outputTokens: 1390, images: 1 })).toBeCloseTo(0.04 + 0.001 + 0.001, 9);
  expect(costUsd(model, { inputTokens: 0, outputTokens: 2580, images: 2 })).toBeCloseTo(0.08, 9);
});

it('pays a text-only reply, and never less than nothing for text', () => {
  expect(costUsd(model, { inputTokens: 0, outputTokens: 100, images: 0 })).toBeCloseTo(0.001, 9);
  expect(costUsd(model, { inputTokens: 0, outputTokens: 100, images: 1 })).toBeCloseTo(0.04, 9);
});

it('estimates one image plus a token for every four characters of the prompt', () => {
  expect(estimateImageUsd(model, 4001)).toBeCloseTo(0.04 + 1001 / 1_000_000, 9);
});

it('finds models by their own keys only', () => {
  const file = { models: { m: model }, quality };
  expect(findModel(file, 'm')).toBe(model);
  expect(findModel(file, 'constructor')).toBeUndefined();
});

it('takes a limit that is not given as none', () => {
  const { limits: _, ...bare } = model;
  const file = modelsFileSchema.parse({ models: { m: bare }, quality });
  expect(file.models['m']?.limits).toEqual(model.limits);
});

it.each([
  ['a quality that names no model', { models: { m: model }, quality: { ...quality, high: 'gone' } }],
  ['a model key that cannot be a queue name', { models: { 'a/b': model, m: model }, quality }],
  ['an unknown field', { models: { m: { ...model, prize: 1 } }, quality }],
  ['a limit of zero', { models: { m: { ...model, limits: { concurrency: 0 } } }, quality }],
  ['a negative price', { models: { m: { ...model, price: { ...model.price, per_image: -1 } } }, quality }],
])('refuses %s', (_, file) => {
  expect(modelsFileSchema.safeParse(file).success).toBe(false);
});
