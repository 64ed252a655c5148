import { expect, it } from 'vitest';
import { costUsd, estimateUsd, findModel, modelsFileSchema, resolveModel, type Model } from '../../domain/models.ts';

const model: Model = {
  provider: 'gemini',
  kind: 'image',
  price: { per_image: 0.04, input_per_million: 1, output_text_per_million: 10 },
  image_tokens: 1290,
  limits: { requests_per_minute: null, tokens_per_minute: null, images_per_minute: null, concurrency: null },
};
const limits = model.limits;
const text: Model = {
  provider: 'openai',
  kind: 'text',
  price: { input_per_million: 2, output_per_million: 10 },
  max_output_tokens: 800,
  limits,
};
const video: Model = {
  provider: 'gemini',
  kind: 'video',
  price: { per_second: 0.4 },
  seconds: [4, 8],
  default_seconds: 8,
  limits,
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
  expect(estimateUsd(model, { promptChars: 4001 })).toBeCloseTo(0.04 + 1001 / 1_000_000, 9);
});

it('pays text by the token, thoughts as output', () => {
  expect(costUsd(text, { inputTokens: 1_000, outputTokens: 500, images: 0 })).toBeCloseTo(0.002 + 0.005, 9);
});

it('estimates text by its prompt and an answer of usual length, or of the one expected, never more than there can be', () => {
  expect(estimateUsd({ ...text, max_output_tokens: 9_000 }, { promptChars: 400 })).toBeCloseTo(0.0002 + 0.01, 9);
  expect(estimateUsd(text, { promptChars: 400, outputTokens: 100 })).toBeCloseTo(0.0002 + 0.001, 9);
  expect(estimateUsd(text, { promptChars: 400, outputTokens: 100_000 })).toBeCloseTo(0.0002 + 0.008, 9);
});

it('pays and estimates video by the second, and nothing for what it was told', () => {
  expect(costUsd(video, { inputTokens: 1_000, outputTokens: 0, images: 0, videoSeconds: 6 })).toBeCloseTo(2.4, 9);
  expect(costUsd(video, { inputTokens: 1_000, outputTokens: 0, images: 0 })).toBe(0);
  expect(estimateUsd(video)).toBeCloseTo(3.2, 9);
  expect(estimateUsd(video, { seconds: 4 })).toBeCloseTo(1.6, 9);
});

it('finds the model an alias stands for, and a model before an alias of the same name', () => {
  const file = modelsFileSchema.parse({
    models: { m: model, claude: text, 'gpt-9': text },
    aliases: { gpt: 'gpt-9', claude: 'gpt-9' },
    quality,
  });
  expect(resolveModel(file, 'gpt')).toEqual({ key: 'gpt-9', model: text });
  expect(resolveModel(file, 'claude')?.key).toBe('claude');
  expect(resolveModel(file, 'm')?.key).toBe('m');
  expect(resolveModel(file, 'gone')).toBeUndefined();
  expect(resolveModel(file, 'toString')).toBeUndefined();
});

it('finds models by their own keys only', () => {
  const file = { models: { m: model } };
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
  ['a quality that names a model of another kind', { models: { m: text }, quality }],
  ['an alias that names no model', { models: { m: model }, aliases: { a: 'gone' }, quality }],
  [
    'a usual length the video model does not make',
    { models: { m: model, v: { ...video, default_seconds: 5 } }, quality },
  ],
  ['a kind with the fields of another', { models: { m: model, t: { ...model, kind: 'text' } }, quality }],
  ['a model key that cannot be a queue name', { models: { 'a/b': model, m: model }, quality }],
  ['an unknown field', { models: { m: { ...model, prize: 1 } }, quality }],
  ['a limit of zero', { models: { m: { ...model, limits: { concurrency: 0 } } }, quality }],
  ['a negative price', { models: { m: { ...model, price: { ...model.price, per_image: -1 } } }, quality }],
])('refuses %s', (_, file) => {
  expect(modelsFileSchema.safeParse(file).success).toBe(false);
});
