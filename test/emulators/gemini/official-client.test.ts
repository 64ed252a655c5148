import { ApiError, GoogleGenAI } from '@google/genai';
import { PNG } from 'pngjs';
import { afterEach, expect, test } from 'vitest';
import type { GeminiEmulatorOptions } from '../../../emulators/gemini/options.ts';
import { startGeminiEmulator, type GeminiEmulator } from '../../../emulators/gemini/server.ts';

/** The vendor's own client is the judge of whether the emulator speaks the vendor's protocol. */
let emulator: GeminiEmulator | undefined;
afterEach(() => emulator?.close());

async function clientFor(options: GeminiEmulatorOptions, key = 'right') {
  emulator = await startGeminiEmulator({ latencyMs: 0, apiKey: 'right', ...options });
  return new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: emulator.url } });
}

const question = {
  model: 'gemini-2.5-flash-image',
  contents: 'a lighthouse at night',
  config: { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '9:16' }, seed: 4, temperature: 0.4 },
};

test('it gets an image, usage and a finish reason', async () => {
  const client = await clientFor({});
  const reply = await client.models.generateContent(question);
  const data = reply.candidates?.[0]?.content?.parts?.find((part) => part.inlineData)?.inlineData?.data ?? '';
  const image = PNG.sync.read(Buffer.from(data, 'base64'));
  expect([image.width, image.height]).toEqual([768, 1344]);
  expect(reply.candidates?.[0]?.finishReason).toBe('STOP');
  expect(reply.usageMetadata?.candidatesTokensDetails).toEqual([{ modality: 'IMAGE', tokenCount: 1290 }]);
  expect(reply.modelVersion).toBe('gemini-2.5-flash-image');
});

test('it reads a blocked prompt and a text-only reply', async () => {
  const client = await clientFor({
    faults: { rules: [{ fault: 'prompt_blocked', times: 1 }, { fault: 'text_only' }] },
  });
  expect((await client.models.generateContent(question)).promptFeedback?.blockReason).toBe('PROHIBITED_CONTENT');
  const reply = await client.models.generateContent(question);
  expect(reply.candidates?.[0]?.content?.parts).toHaveLength(1);
  expect(reply.text).toContain('a lighthouse at night');
});

test('it throws its own errors for a wrong key, an unknown model and a spent quota', async () => {
  const client = await clientFor({ rpm: 1 });
  await client.models.generateContent(question);
  const failure = async (call: Promise<unknown>) => {
    const error: unknown = await call.catch((reason: unknown) => reason);
    return error instanceof ApiError ? [error.status, /"status":"(\w+)"/.exec(error.message)?.[1]] : error;
  };
  expect(await failure(client.models.generateContent(question))).toEqual([429, 'RESOURCE_EXHAUSTED']);
  expect(await failure(client.models.generateContent({ ...question, model: 'gemini-0' }))).toEqual([404, 'NOT_FOUND']);
  const stranger = new GoogleGenAI({ apiKey: 'wrong', httpOptions: { baseUrl: emulator?.url ?? '' } });
  expect(await failure(stranger.models.generateContent(question))).toEqual([400, 'INVALID_ARGUMENT']);
});
