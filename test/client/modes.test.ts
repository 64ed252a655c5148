import { expect, it } from 'vitest';
import { assertServed, modeOf, servicesOf, type Service } from '../../client/modes.ts';
import type { Flow, ModelChoice } from '../../domain/flow.ts';
import { modelsFileSchema } from '../../domain/models.ts';

const text = { kind: 'text', price: { input_per_million: 1, output_per_million: 1 }, max_output_tokens: 1 };
const models = modelsFileSchema.parse({
  models: {
    picture: {
      provider: 'gemini',
      kind: 'image',
      price: { per_image: 1, input_per_million: 0, output_text_per_million: 0 },
      image_tokens: 1,
    },
    'gpt-4o': { ...text, provider: 'openai' },
    'claude-haiku-4-5': { ...text, provider: 'anthropic' },
  },
  aliases: { claude: 'claude-haiku-4-5' },
  quality: { draft: 'picture', standard: 'picture', high: 'picture' },
});
const choice: ModelChoice = { rule: 'by_field', field: 'genre', table: { horror: 'claude' }, models: ['gpt-4o'] };
const chapter: Flow = {
  name: 'chapter',
  steps: [
    { id: 'write', uses: 'text', model: choice },
    {
      id: 'qc',
      repeat: { atMost: 2, until: 'true' },
      steps: [{ id: 'check', uses: 'check', model: { rule: 'fixed', models: ['gpt-4o'] } }],
    },
    { id: 'book', uses: 'export' },
  ],
};
const given = (...services: Service[]) => ({ live: new Set(services), models });

it('counts the vendors of every model a flow may choose, by alias and inside loops', () => {
  expect(servicesOf(chapter, models)).toEqual(new Set(['openai', 'anthropic']));
  expect(servicesOf({ steps: [{ id: 'a', uses: 'image' }] }, models)).toEqual(new Set(['gemini']));
  expect(servicesOf({ steps: [{ id: 'a', uses: 'comfy' }] }, models)).toEqual(new Set(['comfyui']));
});

it('emulates a batch only where nothing it needs was given', () => {
  expect(modeOf(chapter, given())).toBe('emulated');
  expect(modeOf(chapter, given('gemini'))).toBe('emulated');
  expect(modeOf(chapter, given('openai', 'anthropic'))).toBe('live');
  expect(modeOf({ name: 'x', steps: [{ id: 'a', uses: 'export' }] }, given())).toBe('live');
});

it('refuses a batch of which only a part could be done for real, and names the missing setting', () => {
  expect(() => modeOf(chapter, given('openai'))).toThrow(
    expect.objectContaining({
      code: 'AUTH',
      message: expect.stringMatching(/needs Anthropic besides OpenAI.*no ANTHROPIC_API_KEY/) as unknown,
      action: expect.stringContaining('Set ANTHROPIC_API_KEY') as unknown,
    }),
  );
  const sprite: Flow = { ...chapter, steps: [...chapter.steps, { id: 'cover', uses: 'comfy' }] };
  expect(() => modeOf(sprite, given('openai', 'anthropic'))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('no gpus') as unknown }),
  );
});

it('never continues a batch that pays without all it was run with', () => {
  expect(() => {
    assertServed(chapter, 'live', given('anthropic'));
  }).toThrow(expect.objectContaining({ code: 'AUTH', action: expect.stringContaining('OPENAI_API_KEY') as unknown }));
  assertServed(chapter, 'emulated', given());
  assertServed(chapter, 'live', given('anthropic', 'openai'));
});
