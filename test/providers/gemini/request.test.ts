import { expect, test } from 'vitest';
import { buildRequest } from '../../../providers/gemini/request.ts';
import type { ImageRequest } from '../../../providers/image-provider.ts';

const request: ImageRequest = { model: 'm', prompt: 'a cat', seed: 2 ** 31 - 1, aspectRatio: '4:3', emptyReplies: 0 };

test('after one empty reply only an image is asked for, with the same words and seed', () => {
  const { body } = buildRequest({ ...request, emptyReplies: 1 });
  expect(body).toEqual({
    contents: [{ role: 'user', parts: [{ text: 'a cat' }] }],
    generationConfig: { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '4:3' }, seed: 2 ** 31 - 1 },
  });
});

test('from the second empty reply on the words ask for an image and the seed moves, each time the same way', () => {
  const seeds = [2, 3, 4].map((emptyReplies) => {
    const { body } = buildRequest({ ...request, emptyReplies });
    expect(body).toEqual(buildRequest({ ...request, emptyReplies }).body);
    expect(body.contents[0].parts[0]).toEqual({ text: expect.stringMatching(/^Generate an image\..*\n\na cat$/s) });
    return body.generationConfig.seed;
  });
  expect(new Set([request.seed, ...seeds]).size).toBe(4);
  for (const seed of seeds) expect(seed >= 0 && seed < 2 ** 31).toBe(true);
});

test('an empty negative prompt adds nothing', () => {
  expect(buildRequest({ ...request, negativePrompt: ' ' }).body).toEqual(buildRequest(request).body);
});
