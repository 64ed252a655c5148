import { describe, expect, test } from 'vitest';
import { imageFromReply } from '../../../providers/gemini/reply.ts';

const png = Buffer.from('89504e470d0a1a0a00', 'hex').toString('base64');
const jpeg = Buffer.from('ffd8ffe000104a46', 'hex').toString('base64');
const webp = Buffer.from('RIFF1234WEBPVP8 ').toString('base64');
const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 1290, thoughtsTokenCount: 100 };

function read(reply: unknown) {
  return imageFromReply(JSON.stringify(reply));
}

function inline(data: string, mimeType = 'image/png') {
  return { inlineData: { mimeType, data } };
}

function failureOf(reply: unknown): unknown {
  try {
    return read(reply);
  } catch (error) {
    return error;
  }
}

test('the first image of the answer is taken, past texts and drafts, and all images are counted', () => {
  const parts = [
    { ...inline(jpeg, 'image/jpeg'), thought: true },
    { text: 'Here it is' },
    inline(png),
    inline(webp, 'image/webp'),
  ];
  const image = read({ candidates: [{ content: { parts }, finishReason: 'STOP' }], usageMetadata, newField: [1] });
  expect(image.mimeType).toBe('image/png');
  expect(image.usage).toEqual({ inputTokens: 10, outputTokens: 1390, images: 2 });
});

test.each([
  ['image/jpeg', jpeg],
  ['image/webp', webp],
])('%s is recognised', (mimeType, data) => {
  expect(read({ candidates: [{ content: { parts: [inline(data, mimeType)] } }] }).mimeType).toBe(mimeType);
});

test('fields of unexpected types do not spoil an image', () => {
  const reply = {
    candidates: [{ content: { parts: [inline(png)] }, finishReason: 7 }],
    usageMetadata: { promptTokenCount: 'ten', candidatesTokenCount: 5 },
    promptFeedback: null,
    modelVersion: null,
  };
  expect(read(reply)).toMatchObject({ usage: { inputTokens: 0, outputTokens: 5, images: 1 }, modelVersion: undefined });
});

describe('a damaged image is UNAVAILABLE and carries its cost', () => {
  test.each([
    ['empty', inline('')],
    ['no base64', inline(`${png.slice(0, 6)}!${png.slice(6)}`)],
    ['of another type than it says', inline(png, 'image/jpeg')],
    ['of a type nobody knows', inline(png, 'image/x-new')],
  ])('%s', (_, part) => {
    const failure = failureOf({ candidates: [{ content: { parts: [part] }, finishReason: 'STOP' }], usageMetadata });
    expect(failure).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('damaged image'),
      usage: { outputTokens: 1390 },
    });
  });
});

describe('a reply without an image', () => {
  const refused = ['SAFETY', 'PROHIBITED_CONTENT', 'BLOCKLIST', 'SPII', 'RECITATION', 'IMAGE_SAFETY'];
  test.each([...refused, 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION'])('%s is CONTENT_BLOCKED', (finishReason) => {
    const failure = failureOf({ candidates: [{ finishReason, finishMessage: 'because' }], usageMetadata });
    expect(failure).toMatchObject({
      code: 'CONTENT_BLOCKED',
      message: expect.stringMatching(new RegExp(`${finishReason}\\): because$`)),
      usage: { inputTokens: 10 },
    });
  });

  const empty = ['STOP', 'NO_IMAGE', 'IMAGE_OTHER', 'OTHER', 'MAX_TOKENS', 'MALFORMED_FUNCTION_CALL', 'A_NEW_REASON'];
  test.each(empty)('%s is NO_OUTPUT', (finishReason) => {
    const failure = failureOf({ candidates: [{ finishReason }], usageMetadata });
    expect(failure).toMatchObject({ code: 'NO_OUTPUT', message: expect.stringContaining(finishReason) });
    expect(failure).toHaveProperty('usage.inputTokens', 10);
  });

  test('a blocked prompt is CONTENT_BLOCKED', () => {
    const failure = failureOf({ promptFeedback: { blockReason: 'OTHER' } });
    expect(failure).toMatchObject({
      code: 'CONTENT_BLOCKED',
      message: 'Gemini blocked the prompt (OTHER).',
      usage: undefined,
    });
  });

  test('nothing at all is NO_OUTPUT', () => {
    expect(failureOf({})).toMatchObject({
      code: 'NO_OUTPUT',
      message: 'Gemini sent no image (finish reason not given).',
    });
  });
});

test.each(['', 'null', '[]', '{"candidates":[{"con', '{"candidates":"none"}'])('%j is a malformed reply', (text) => {
  expect(() => imageFromReply(text)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
});
