import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { hashItem, placeId, toStagedItem, type ItemContext } from '../../domain/input-item.ts';
import { stagedItemSchema } from '../../domain/item.ts';
import { modelsFileSchema } from '../../domain/models.ts';

const model = {
  provider: 'gemini',
  kind: 'image',
  price: { per_image: 0.04, input_per_million: 0, output_text_per_million: 0 },
  image_tokens: 1,
};
const models = modelsFileSchema.parse({
  models: {
    low: model,
    mid: model,
    top: { ...model, price: { ...model.price, per_image: 0.1 } },
    veo: { provider: 'gemini', kind: 'video', price: { per_second: 0.4 }, seconds: [4, 8], default_seconds: 8 },
    text: {
      provider: 'gemini',
      kind: 'text',
      price: { input_per_million: 1, output_per_million: 1 },
      max_output_tokens: 1,
    },
  },
  aliases: { cheap: 'low', words: 'text', film: 'veo' },
  video_quality: { draft: 'veo', standard: 'veo', high: 'veo' },
  quality: { draft: 'low', standard: 'mid', high: 'top' },
});
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const context: ItemContext = { index: 4, rowNumber: 9, id: 'a', name: 'n', models, defaultModel: null, sha256 };

const stage = (row: Partial<Parameters<typeof toStagedItem>[0]>, change: Partial<ItemContext> = {}) => {
  const result = toStagedItem({ prompt: 'a cat', fields: {}, ...row }, { ...context, ...change });
  if (!result.ok) throw new Error(result.message);
  return result.item;
};

it('fills in what a row leaves open, as a valid staged item', () => {
  const item = stage({});
  expect(stagedItemSchema.parse(item)).toEqual(item);
  expect(item).toMatchObject({
    id: 'a',
    index: 4,
    row: 9,
    name: 'n',
    quality: 'standard',
    aspectRatio: '1:1',
    model: 'mid',
    provider: 'gemini',
  });
  expect(Object.keys(item)).not.toContain('fields');
});

it('takes the model of the row, else of the batch, else of the quality', () => {
  expect(stage({ image_model: 'low', quality: 'high' }, { defaultModel: 'mid' }).model).toBe('low');
  expect(stage({ quality: 'high' }, { defaultModel: 'mid' }).model).toBe('mid');
  expect(stage({ quality: 'high' })).toMatchObject({ model: 'top', estimateUsd: 0.1 });
});

it('stages the model that an alias stands for now', () => {
  expect(stage({ image_model: 'cheap' }).model).toBe('low');
});

it('stages a video of the model the row names, else of its quality, upright or wide', () => {
  const wanted = { model: 'veo', media: 'video', provider: 'gemini', aspectRatio: '16:9', estimateUsd: 3.2 };
  expect(stage({ media_type: 'video', video_model: 'film' })).toMatchObject(wanted);
  expect(stage({ media_type: 'video' })).toMatchObject(wanted);
  expect(stage({ image_model: 'film' })).toMatchObject(wanted);
  expect(stage({}, { defaultModel: 'veo' })).toMatchObject(wanted);
  expect(stage({ media_type: 'video', aspect_ratio: '9:16' }).aspectRatio).toBe('9:16');
});

it('keeps images and videos of one batch apart, whatever model the batch has', () => {
  expect(stage({ media_type: 'image' }, { defaultModel: 'veo' })).toMatchObject({ model: 'mid' });
  expect(stage({ media_type: 'video' }, { defaultModel: 'low' })).toMatchObject({ model: 'veo', media: 'video' });
  expect(stage({ image_model: 'low', video_model: 'veo' })).toMatchObject({ model: 'low' });
  expect(stage({})).not.toHaveProperty('media');
});

it.each([
  [{ media_type: 'video', video_model: 'low' }, 'video_model: must be one of veo (got "low")'],
  [{ media_type: 'image', image_model: 'veo' }, 'image_model: must be one of low, mid, top (got "veo")'],
  [{ media_type: 'video', aspect_ratio: '1:1' }, 'aspect_ratio: must be 16:9 or 9:16 for a video (got "1:1")'],
] as const)('refuses %j', (row, message) => {
  expect(toStagedItem({ prompt: 'p', fields: {}, ...row }, context)).toEqual({ ok: false, message });
});

it('says which models there are when a row names another', () => {
  expect(toStagedItem({ prompt: 'p', fields: {}, image_model: 'constructor' }, context)).toEqual({
    ok: false,
    message: 'image_model: must be one of low, mid, top (got "constructor")',
  });
  expect(toStagedItem({ prompt: 'p', fields: {}, image_model: 'words' }, context)).toMatchObject({ ok: false });
});

it('derives the same seed every time, another one for another id or prompt', () => {
  const seed = stage({}).seed;
  expect(stage({}, { index: 0, name: 'other' }).seed).toBe(seed);
  expect(stage({}, { id: 'b' }).seed).not.toBe(seed);
  expect(stage({ prompt: 'a dog' }).seed).not.toBe(seed);
  expect(stage({ seed: 0 }).seed).toBe(0);
});

it('hashes what determines the output, and nothing else', () => {
  const { hash, ...item } = stage({ seed: 1 });
  expect(hashItem(item, sha256)).toBe(hash);
  expect(stage({ seed: 1, fields: { note: 'x' } }, { id: 'b', index: 7, name: 'other' }).hash).toBe(hash);
  for (const change of [
    { seed: 2 },
    { prompt: 'x' },
    { negative_prompt: 'x' },
    { aspect_ratio: '4:3' },
    { quality: 'draft' },
    { from_image: '/x' },
  ] as const) {
    expect(stage({ seed: 1, ...change }).hash).not.toBe(hash);
  }
});

it('pads places so that they sort', () => {
  expect([placeId(1), placeId(1_234_567)]).toEqual(['item-000001', 'item-1234567']);
});
