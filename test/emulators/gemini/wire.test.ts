import { PNG } from 'pngjs';
import { afterEach, describe, expect, test } from 'vitest';
import { apiKey, body, closeAll, model, partsOf, post, start } from './support.ts';

afterEach(closeAll);

test('a reply has the shape of the vendor, with an image of 1290 tokens', async () => {
  const { status, type, json } = await post(await start(), body('a cat', { responseModalities: ['IMAGE'], seed: 1 }));
  expect([status, type]).toEqual([200, 'application/json; charset=UTF-8']);
  expect(json).toEqual({
    candidates: [
      {
        content: { parts: [{ inlineData: { mimeType: 'image/png', data: expect.any(String) } }], role: 'model' },
        finishReason: 'STOP',
        index: 0,
      },
    ],
    usageMetadata: {
      promptTokenCount: 2,
      candidatesTokenCount: 1290,
      totalTokenCount: 1292,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: 2 }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }],
    },
    modelVersion: model,
    responseId: expect.stringMatching(/^[\w-]{22}$/),
  });
});

test('text comes before the image when it is asked for, and alone when no image is', async () => {
  const emulator = await start();
  const kinds = async (config: object) => partsOf(await post(emulator, body('a cat', config))).map(Object.keys);
  expect(await kinds({})).toEqual([['text'], ['inlineData']]);
  expect(await kinds({ responseModalities: ['TEXT'] })).toEqual([['text']]);
});

test.each([
  ['1:1', '1K', 1024, 1024],
  ['16:9', '1K', 1344, 768],
  ['9:16', '1K', 768, 1344],
  ['4:3', '1K', 1184, 864],
  ['3:4', '1K', 864, 1184],
  ['4:3', '2K', 2368, 1728],
  ['1:1', '4K', 4096, 4096],
])('%s at %s is %i by %i', async (aspectRatio, imageSize, width, height) => {
  const config = { responseModalities: ['IMAGE'], imageConfig: { aspectRatio, imageSize } };
  const [part] = partsOf(await post(await start(), body('a cat', config)));
  const image = PNG.sync.read(Buffer.from(part?.inlineData?.data ?? '', 'base64'));
  expect([image.width, image.height]).toEqual([width, height]);
});

test('snake case means the same as camel case', async () => {
  const emulator = await start();
  const image = { mime_type: 'image/png', data: 'AAAA' };
  const snake = {
    contents: [{ parts: [{ text: 'a cat' }, { inline_data: image }] }],
    generation_config: { response_modalities: ['IMAGE'], image_config: { aspect_ratio: '4:3' }, seed: 3 },
  };
  const camel = {
    contents: [{ parts: [{ text: 'a cat' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] }],
    generationConfig: { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '4:3' }, seed: 3 },
  };
  const first = await post(emulator, JSON.stringify(snake));
  const second = await post(emulator, JSON.stringify(camel));
  expect(first.status).toBe(200);
  expect(first.json.candidates).toEqual(second.json.candidates);
});

describe('a request the real API refuses is refused', () => {
  const parts = [{ text: 'a cat' }];
  test.each([
    ['no JSON', '{"contents":', 'Invalid JSON payload received.'],
    ['no contents', '{}', 'GenerateContentRequest.contents'],
    ['a name it does not know', JSON.stringify({ contents: [{ parts }], seed: 1 }), 'Unknown name "seed"'],
    ['an aspect ratio it does not know', body('a', { imageConfig: { aspectRatio: '5:1' } }), 'aspectRatio'],
    ['a seed beyond 32 bits', body('a', { seed: 2 ** 31 }), 'seed'],
    ['an empty part', JSON.stringify({ contents: [{ parts: [{}] }] }), "required oneof field 'data'"],
    ['more than 20 MiB', body('a'.repeat(21 * 1024 * 1024)), 'exceeds the limit'],
  ])('%s', async (_, text, message) => {
    const { status, json } = await post(await start(), text);
    expect(status).toBe(400);
    expect(json.error).toMatchObject({
      code: 400,
      status: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });
});

test('an unknown model, and any other path, is NOT_FOUND', async () => {
  const emulator = await start();
  const unknown = await post(emulator, body('a cat'), { path: '/v1beta/models/gemini-0:generateContent' });
  expect(unknown.status).toBe(404);
  expect(unknown.json.error).toMatchObject({
    status: 'NOT_FOUND',
    message: expect.stringContaining('models/gemini-0 is not found'),
  });
  expect((await post(emulator, '{}', { path: '/v1beta/files' })).status).toBe(404);
});

test('with a key set, a missing one is 403 and a wrong one is 400 API_KEY_INVALID', async () => {
  const emulator = await start({ apiKey });
  const missing = await post(emulator, body('a cat'));
  expect([missing.status, missing.json.error?.status]).toEqual([403, 'PERMISSION_DENIED']);
  const wrong = await post(emulator, body('a cat'), { headers: { 'x-goog-api-key': 'wrong' } });
  expect(wrong.status).toBe(400);
  expect(wrong.json.error?.details?.[0]).toMatchObject({ reason: 'API_KEY_INVALID', domain: 'googleapis.com' });
  expect((await post(emulator, body('a cat'), { headers: { 'x-goog-api-key': apiKey } })).status).toBe(200);
});
