import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadModels } from '../../client/models.ts';
import { resolveModel } from '../../domain/models.ts';

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

async function homeWith(text?: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-models-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  if (text !== undefined) await writeFile(join(home, 'models.yaml'), text);
  return home;
}

it('loads the models that come with Sluice where a home has none of its own', async () => {
  const { models, quality } = await loadModels(await homeWith());
  expect(Object.keys(models)).toContain(quality.standard);
  expect(models['gemini-2.5-flash-image']?.price).toMatchObject({ per_image: 0.039 });
});

it('changes only what the home names, and takes a limit away with null', async () => {
  const shipped = await loadModels(await homeWith());
  const { models, quality } = await loadModels(
    await homeWith(`
models:
  gemini-2.5-flash-image: { limits: { requests_per_minute: 7, tokens_per_minute: null } }
  my-model:
    provider: gemini
    kind: image
    price: { per_image: 1, input_per_million: 0, output_text_per_million: 0 }
    image_tokens: 1290
quality: { draft: my-model }
`),
  );
  const before = shipped.models['gemini-2.5-flash-image'];
  expect(models['gemini-2.5-flash-image']).toEqual({
    ...before,
    limits: { ...before?.limits, requests_per_minute: 7, tokens_per_minute: null },
  });
  expect(models['my-model']?.limits.concurrency).toBeNull();
  expect(quality).toEqual({ ...shipped.quality, draft: 'my-model' });
});

it('points an alias of its own, and one that comes with Sluice, at other models', async () => {
  const home = await homeWith('aliases: { gemini: gpt-4o, house: claude-haiku-4-5 }\n');
  const file = await loadModels(home);
  expect(resolveModel(file, 'gemini')?.key).toBe('gpt-4o');
  expect(resolveModel(file, 'house')?.key).toBe('claude-haiku-4-5');
  expect(resolveModel(file, 'claude')?.key).toBe('claude-haiku-4-5');
});

it('takes an empty file as one that changes nothing', async () => {
  expect(await loadModels(await homeWith('# nothing yet\n'))).toEqual(await loadModels(await homeWith()));
});

it.each([
  [
    'a wrong value',
    'models:\n  gemini-2.5-flash-image:\n    limits:\n      concurrency: many\n',
    /models\.yaml:4: models\.gemini-2\.5-flash-image\.limits\.concurrency: .*expected number/,
  ],
  [
    'a misspelt field',
    'models:\n  gemini-2.5-flash-image:\n    limts: {}\n',
    /models\.yaml:3: models\.gemini-2\.5-flash-image\.limts: is not a field/,
  ],
  ['a missing field', '\nmodels:\n  new-model:\n    provider: gemini\n', /models\.yaml:3: models\.new-model\.kind: /],
  [
    'a quality without a model',
    'quality:\n  high: gone\n',
    /models\.yaml:2: quality\.high: must be one of the image models of this file \(got "gone"\)/,
  ],
  ['broken YAML', 'models:\n  a: [1\n', /models\.yaml:\d+:\d+: /],
  ['a key twice', 'quality:\n  high: a\n  high: b\n', /models\.yaml:3:\d+: .*unique/],
  ['a list', '- a\n', /models\.yaml:1:1: must hold/],
])('names file, line and field for %s', async (_, text, message) => {
  const home = await homeWith(text);
  await expect(loadModels(home)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: matching(message),
  });
  await expect(loadModels(home)).rejects.toThrow(join(home, 'models.yaml'));
});
