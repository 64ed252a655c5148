import { describe, expect, test } from 'vitest';
import type { StagedItem } from '../../domain/item.ts';
import { modelsFileSchema } from '../../domain/models.ts';
import { redriveChange } from '../../domain/redrive-change.ts';
import { selectorProblem } from '../../domain/redrive.ts';

const flow = {
  name: 'chapter',
  parameters: { tone: 'dry', words: 500 },
  steps: [
    { id: 'draft', uses: 'text' as const },
    { id: 'cover', uses: 'image' as const },
  ],
};
const image = { kind: 'image', price: { per_image: 1, input_per_million: 0, output_text_per_million: 0 } };
const text = { kind: 'text', price: { input_per_million: 1, output_per_million: 1 }, max_output_tokens: 100 };
const models = modelsFileSchema.parse({
  models: {
    painter: { provider: 'gemini', image_tokens: 1, ...image },
    writer: { provider: 'openai', ...text },
    other: { provider: 'anthropic', ...text },
  },
  aliases: { cheap: 'other' },
  quality: { draft: 'painter', standard: 'painter', high: 'painter' },
});
const item: StagedItem = {
  id: 'a1',
  index: 0,
  row: 2,
  name: 'a1',
  prompt: '',
  seed: 1,
  quality: 'standard',
  aspectRatio: '1:1',
  model: 'writer',
  provider: 'openai',
  models: { draft: 'writer', cover: 'painter' },
  estimateUsd: 0,
  hash: '0'.repeat(64),
};

describe('a redrive', () => {
  test('with a model gives it to the steps of its kind, and says whose it is', () => {
    expect(redriveChange({ model: 'cheap' }, flow, models)(item)).toMatchObject({
      models: { draft: 'other', cover: 'painter' },
      providers: { other: 'anthropic' },
      model: 'other',
      provider: 'anthropic',
    });
  });

  test('with a model of a later step leaves what is shown of the item', () => {
    expect(redriveChange({ model: 'painter' }, flow, models)(item)).toMatchObject({
      models: { draft: 'writer', cover: 'painter' },
      model: 'writer',
    });
  });

  test('with parameters changes these and no others, and not what the item is', () => {
    const before = { ...item, parameters: { words: 300 } };
    const changed = redriveChange({ parameters: { tone: 'warm' } }, flow, models)(before);
    expect(changed).toEqual({ ...before, parameters: { words: 300, tone: 'warm' } });
  });

  test('without changes leaves the item as it was staged', () => {
    expect(redriveChange({}, flow, models)(item)).toEqual(item);
  });

  test('with a model there is not, or that no step calls, is refused', () => {
    expect(() => redriveChange({ model: 'none' }, flow, models)).toThrow('painter, writer, other');
    const onlyText = { ...flow, steps: flow.steps.slice(0, 1) };
    expect(() => redriveChange({ model: 'painter' }, onlyText, models)).toThrow('which no step of chapter calls');
  });
});

describe('the selector of a redrive', () => {
  test.each([
    [undefined],
    [{}],
    [{ select: 'failed', codes: ['TIMEOUT'], itemIds: ['a'], model: 'm', parameters: { tone: 1 } }],
  ])('%j is taken', (selector) => {
    expect(selectorProblem(selector, flow)).toBeNull();
  });

  test.each([
    ['all', 'selector: must be an object with codes, itemIds, model, parameters'],
    [{ codes: 'AUTH' }, 'codes: must be a list of strings'],
    [{ model: 5 }, 'model: must be the name of a model'],
    [{ select: 'rejected' }, 'itemIds: rejected items are named'],
    [{ parameters: ['tone'] }, 'parameters: must be an object'],
    [{ parameters: { mood: 1 } }, 'parameters.mood: is no parameter of the flow chapter (it has tone, words)'],
    [{ prompt: 'x' }, 'prompt: is not a selector (codes, itemIds, model, parameters are)'],
  ])('%j is refused: %s', (selector, problem) => {
    expect(selectorProblem(selector, flow)).toBe(problem);
  });

  test('changes no parameter of a flow that has none', () => {
    const problem = selectorProblem({ parameters: { tone: 1 } }, { name: 'image' });
    expect(problem).toBe('parameters.tone: is no parameter of the flow image (it has none)');
  });
});
