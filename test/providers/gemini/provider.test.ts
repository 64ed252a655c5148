import { PNG } from 'pngjs';
import { afterEach, describe, expect, test } from 'vitest';
import type { GeminiEmulatorOptions } from '../../../emulators/gemini/options.ts';
import { startGeminiEmulator, type GeminiEmulator } from '../../../emulators/gemini/server.ts';
import { createGeminiProviders } from '../../../providers/gemini/providers.ts';
import type { CallOptions, ImageRequest } from '../../../providers/image-provider.ts';
import { ProviderError } from '../../../providers/provider-error.ts';

const apiKey = 'AIza-a-key-of-a-real-length-0123456789';
const request: ImageRequest = {
  model: 'gemini-2.5-flash-image',
  prompt: 'a lighthouse at night',
  seed: 7,
  aspectRatio: '16:9',
  emptyReplies: 0,
};

let emulator: GeminiEmulator | undefined;
afterEach(async () => {
  await emulator?.close();
  emulator = undefined;
});

async function providerFor(options: GeminiEmulatorOptions = {}, key = apiKey) {
  emulator = await startGeminiEmulator({ latencyMs: 0, apiKey, ...options });
  return createGeminiProviders({ apiKey: key, baseUrl: emulator.url }).image;
}

function callOptions(changes: Partial<CallOptions> = {}): CallOptions {
  return { signal: new AbortController().signal, timeoutMs: 20_000, ...changes };
}

async function failureOf(call: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await call.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderError)) throw error;
  return error;
}

test('a good reply gives the image, its usage and the parameters as they were sent', async () => {
  const provider = await providerFor();
  const result = await provider.generateImage({ ...request, negativePrompt: 'people' }, callOptions());

  const image = PNG.sync.read(Buffer.from(result.data));
  expect([image.width, image.height]).toEqual([1344, 768]);
  expect(result.mimeType).toBe('image/png');
  expect(result.modelVersion).toBe('gemini-2.5-flash-image');
  expect(result.responseId).toMatch(/^[\w-]{22}$/);
  expect(result.usage.images).toBe(1);
  expect(result.usage.outputTokens).toBeGreaterThanOrEqual(1290);
  expect(result.usage.inputTokens).toBeGreaterThan(0);
  expect(result.sent).toEqual({
    model: 'gemini-2.5-flash-image',
    prompt: 'a lighthouse at night\n\nDo not show any of the following: people',
    responseModalities: ['IMAGE', 'TEXT'],
    imageConfig: { aspectRatio: '16:9' },
    seed: 7,
  });
});

test('an image size and a source image reach the model, and the source is not kept in what was sent', async () => {
  const provider = await providerFor();
  const source = { mimeType: 'image/png', data: Buffer.from('the bytes of an image') };
  const plain = await provider.generateImage({ ...request, imageSize: '2K' }, callOptions());
  const edited = await provider.generateImage({ ...request, imageSize: '2K', source }, callOptions());

  const image = PNG.sync.read(Buffer.from(edited.data));
  expect([image.width, image.height]).toEqual([2688, 1536]);
  expect(Buffer.from(edited.data).equals(Buffer.from(plain.data))).toBe(false);
  expect(edited.usage.inputTokens).toBeGreaterThan(plain.usage.inputTokens);
  expect(edited.sent['source']).toEqual({ mimeType: 'image/png', bytes: 21 });
});

describe('each fault has its code', () => {
  test.each([
    ['rate_limited', 'RATE_LIMITED', 1_500],
    ['rate_limited_no_retry_info', 'RATE_LIMITED', undefined],
    ['quota_per_day', 'QUOTA_EXCEEDED', 1_500],
    ['server_error', 'UNAVAILABLE', undefined],
    ['unavailable', 'UNAVAILABLE', undefined],
    ['cut', 'UNAVAILABLE', undefined],
    ['malformed_json', 'UNAVAILABLE', undefined],
    ['damaged_image', 'UNAVAILABLE', undefined],
    ['bad_key', 'AUTH', undefined],
    ['text_only', 'NO_OUTPUT', undefined],
    ['no_image', 'NO_OUTPUT', undefined],
    ['safety', 'CONTENT_BLOCKED', undefined],
    ['prompt_blocked', 'CONTENT_BLOCKED', undefined],
  ] as const)('%s is %s, to be retried after %s ms', async (fault, code, retryAfterMs) => {
    const provider = await providerFor({ faults: { rates: { [fault]: 1 }, retry_delay_ms: 1_500 } });
    const error = await failureOf(provider.generateImage(request, callOptions()));
    expect({ code: error.code, retryAfterMs: error.retryAfterMs }).toEqual({ code, retryAfterMs });
    expect(error.message).not.toContain(apiKey);
  });

  test('a slow reply is a good one', async () => {
    const provider = await providerFor({ faults: { rates: { slow: 1 }, slow_ms: 50 } });
    await expect(provider.generateImage(request, callOptions())).resolves.toMatchObject({ mimeType: 'image/png' });
  });

  test('no reply within the time is TIMEOUT', async () => {
    const provider = await providerFor({ faults: { rates: { hang: 1 } } });
    const error = await failureOf(provider.generateImage(request, callOptions({ timeoutMs: 100 })));
    expect(error.code).toBe('TIMEOUT');
    expect(error.message).toContain('0.1 s');
  });
});

test('a reply without an image carries what it cost, says why and quotes the text', async () => {
  const provider = await providerFor({ faults: { rates: { text_only: 1 } } });
  const error = await failureOf(provider.generateImage({ ...request, prompt: 'x'.repeat(500) }, callOptions()));
  expect(error.usage).toMatchObject({ inputTokens: 125, images: 0 });
  expect(error.usage?.outputTokens).toBeGreaterThan(0);
  expect(error.message).toContain('text only (finish reason STOP): I can picture that');
  expect(error.message.length).toBeLessThan(270);
});

test('a wrong key is AUTH and is not in the message', async () => {
  const wrong = 'AIza-another-key-of-real-length-9876543210';
  const provider = await providerFor({}, wrong);
  const error = await failureOf(provider.generateImage(request, callOptions()));
  expect(error.code).toBe('AUTH');
  expect(`${error.message} ${error.stack}`).not.toContain(wrong);
});

test('an unknown model and an aspect ratio the model does not know are INVALID_INPUT', async () => {
  const provider = await providerFor();
  const model = await failureOf(provider.generateImage({ ...request, model: 'gemini/none' }, callOptions()));
  expect(model.code).toBe('INVALID_INPUT');
  expect(model.message).toContain('models/gemini/none is not found');
  const ratio = await failureOf(provider.generateImage({ ...request, aspectRatio: '5:1' }, callOptions()));
  expect(ratio.code).toBe('INVALID_INPUT');
});

test('a per-minute limit gives the delay after which a request fits again', async () => {
  const provider = await providerFor({ rpm: 2 });
  await provider.generateImage(request, callOptions());
  await provider.generateImage(request, callOptions());
  const error = await failureOf(provider.generateImage(request, callOptions()));
  expect(error.code).toBe('RATE_LIMITED');
  expect(error.retryAfterMs).toBeGreaterThan(1_000);
  expect(error.retryAfterMs).toBeLessThanOrEqual(60_000);
});

test('an empty key, or one with characters that no header takes, is refused without being shown', () => {
  expect(() => createGeminiProviders({ apiKey: ' ' })).toThrow(expect.objectContaining({ code: 'AUTH' }));
  expect(() => createGeminiProviders({ apiKey: 'secret\nkey' })).toThrow(/^(?!.*secret)/);
});
