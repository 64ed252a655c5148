import { ApiError, GoogleGenAI } from '@google/genai';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterEach, expect, onTestFinished, test } from 'vitest';
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

const schema = {
  type: 'object',
  properties: {
    score: { type: 'integer', minimum: 1, maximum: 10 },
    plot_points: { type: 'array', items: { type: 'string' } },
  },
  required: ['score', 'plot_points'],
};

test('it gets prose, with usage that counts thoughts, and an answer in the shape it asked for', async () => {
  const client = await clientFor({});
  const contents = 'Write about 300 words on rivers.';
  const spoken = await client.models.generateContent({
    model: 'gemini-2.5-pro',
    contents,
    config: { systemInstruction: 'You write novels.', thinkingConfig: { includeThoughts: true } },
  });
  expect(spoken.text).toMatch(/^\[emulated gemini-2\.5-pro\] /);
  expect(spoken.text?.split(/\s+/).length).toBeGreaterThanOrEqual(300);
  expect(spoken.candidates?.[0]?.content?.parts?.[0]?.thought).toBe(true);
  const usage = spoken.usageMetadata;
  const counts = [usage?.promptTokenCount, usage?.candidatesTokenCount, usage?.thoughtsTokenCount];
  expect(counts).not.toContain(undefined);
  expect(usage?.totalTokenCount).toBe(counts.reduce((sum = 0, count = 0) => sum + count, 0));

  const scores = new Set<number>();
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { text = '' } = await client.models.generateContent({
      model: 'gemini-2.5-flash',
      contents: 'Judge this.',
      config: { seed, responseMimeType: 'application/json', responseJsonSchema: schema },
    });
    const answer = JSON.parse(text) as { score: number; plot_points: string[] };
    expect(Object.keys(answer)).toEqual(['score', 'plot_points']);
    scores.add(answer.score);
  }
  expect(scores.size).toBeGreaterThan(1);
});

test('it reads an answer that was cut off, one that was refused, and a spent quota of tokens', async () => {
  const client = await clientFor({ tpm: 40 });
  const ask = { model: 'gemini-2.5-flash', contents: 'Write 200 words.', config: { maxOutputTokens: 20 } };
  expect((await client.models.generateContent(ask)).candidates?.[0]?.finishReason).toBe('MAX_TOKENS');
  const error: unknown = await client.models.generateContent(ask).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ status: 429 });
  const refusing = await clientFor({ faults: { rules: [{ fault: 'safety' }] } });
  expect((await refusing.models.generateContent(ask)).candidates?.[0]?.finishReason).toBe('SAFETY');
});

test('it starts a video, looks until it is done and downloads a playable file', async () => {
  const client = await clientFor({ videoMs: 50 });
  const directory = mkdtempSync(join(tmpdir(), 'sluice-veo-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  let operation = await client.models.generateVideos({
    model: 'veo-3.1-fast-generate-preview',
    source: { prompt: 'a lighthouse at night' },
    config: { aspectRatio: '9:16', durationSeconds: 4 },
  });
  while (operation.done !== true) operation = await client.operations.getVideosOperation({ operation });
  const uri = operation.response?.generatedVideos?.[0]?.video?.uri ?? '';
  // The client takes the address itself only where it begins with https.
  const file = /files\/[a-z0-9]+/.exec(uri)?.[0] ?? '';
  const downloadPath = join(directory, 'video.mp4');
  await client.files.download({ file, downloadPath });
  expect(readFileSync(downloadPath).toString('latin1', 4, 12)).toBe('ftypisom');
});

test('it reads why a video was filtered', async () => {
  const client = await clientFor({ videoMs: 0, faults: { rules: [{ fault: 'video_filtered' }] } });
  let operation = await client.models.generateVideos({
    model: 'veo-3.1-generate-preview',
    source: { prompt: 'a lighthouse' },
  });
  operation = await client.operations.getVideosOperation({ operation });
  expect(operation.response).toMatchObject({ raiMediaFilteredCount: 1 });
  expect(operation.response?.raiMediaFilteredReasons?.[0]).toContain('could not create your video');
});
