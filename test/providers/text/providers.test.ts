import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ProviderError } from '../../../providers/provider-error.ts';
import { createAnthropicProvider } from '../../../providers/anthropic/provider.ts';
import { createGeminiProviders } from '../../../providers/gemini/providers.ts';
import { createOpenAiProvider } from '../../../providers/openai/provider.ts';
import type { TextProvider, TextRequest } from '../../../providers/text-provider.ts';
import type { TextFault } from '../../../emulators/text/faults.ts';
import { readCallLog } from '../../../emulators/shared/call-log.ts';
import type { TextEmulatorOptions } from '../../../emulators/text/options.ts';
import { startTextEmulator } from '../../../emulators/text/server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const vendors = { OpenAI: createOpenAiProvider, Anthropic: createAnthropicProvider } as const;
type Vendor = keyof typeof vendors;

async function emulated(vendor: Vendor, options: TextEmulatorOptions = {}, apiKey = 'a-key-of-some-length') {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-text-'));
  const callLog = join(directory, 'calls.jsonl');
  const emulator = await startTextEmulator({ latencyMs: 0, callLog, ...options });
  closers.push(async () => {
    await emulator.close();
    rmSync(directory, { recursive: true });
  });
  return { callLog, provider: vendors[vendor]({ apiKey, baseUrl: emulator.url }) };
}

const request: TextRequest = {
  model: 'writer',
  system: 'You write novels.',
  messages: [{ role: 'user', text: 'Write a paragraph.' }],
};
const schema = {
  type: 'object',
  properties: { score: { type: 'integer', minimum: 0, maximum: 100 }, note: { type: 'string' } },
  required: ['score', 'note'],
  additionalProperties: false,
};

function ask(provider: TextProvider, more: Partial<TextRequest> = {}, signal = new AbortController().signal) {
  return provider.generateText({ ...request, ...more }, { signal, timeoutMs: 5_000 });
}

/** The error of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await call.then(
    () => new Error('It did not fail.'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProviderError) return error;
  throw error;
}

for (const vendor of Object.keys(vendors) as Vendor[]) {
  describe(vendor, () => {
    test('gives the text with what it used, the same for the same question', async () => {
      const { provider, callLog } = await emulated(vendor);
      const first = await ask(provider);
      expect(first.text).toMatch(/^\[emulated writer\] \S/);
      expect(first.usage).toEqual({
        inputTokens: Math.ceil('You write novels.\nWrite a paragraph.'.length / 4),
        outputTokens: Math.ceil(first.text.length / 4),
        images: 0,
      });
      expect(first).toMatchObject({ json: undefined, modelVersion: 'writer-emulated' });
      expect((await ask(provider)).text).toBe(first.text);
      expect(readCallLog(callLog).map(({ prompt }) => prompt)).toEqual(
        Array(2).fill('You write novels.\nWrite a paragraph.'),
      );
    });

    test('gives an object that matches the schema, and refuses one that does not, with what it cost', async () => {
      const { provider } = await emulated(vendor, {
        faults: { rules: [{ prompt: '', fault: 'wrong_shape', times: 1 }] },
      });
      const wrong = await failure(ask(provider, { schema }));
      expect(wrong).toMatchObject({ code: 'NO_OUTPUT', retryable: true });
      expect(wrong.message).toMatch(/does not match the schema: score/);
      expect(wrong.usage?.inputTokens).toBeGreaterThan(0);
      const { json } = await ask(provider, { schema });
      expect(json).toEqual({ score: expect.any(Number) as number, note: expect.any(String) as string });
    });

    const faults: [TextFault, Partial<ProviderError>][] = [
      ['rate_limited', { code: 'RATE_LIMITED', retryable: true, retryAfterMs: 7_000 }],
      ['rate_limited_no_header', { code: 'RATE_LIMITED', retryable: true, retryAfterMs: undefined }],
      ['quota', { code: 'QUOTA_EXCEEDED', retryable: false }],
      ['bad_key', { code: 'AUTH', retryable: false }],
      ['server_error', { code: 'UNAVAILABLE', retryable: true }],
      ['overloaded', { code: 'UNAVAILABLE', retryable: true }],
      ['cut', { code: 'UNAVAILABLE', retryable: true }],
      ['malformed_json', { code: 'UNAVAILABLE', retryable: true }],
      ['empty', { code: 'NO_OUTPUT', retryable: true }],
      ['cut_off', { code: 'NO_OUTPUT', retryable: true }],
      ['refused', { code: 'CONTENT_BLOCKED', retryable: false }],
    ];
    test.each(faults)('%s', async (fault, expected) => {
      const { provider } = await emulated(vendor, {
        faults: { rules: [{ prompt: '', fault }], retry_delay_ms: 7_000 },
      });
      const error = await failure(ask(provider));
      expect(error).toMatchObject(expected);
      expect(error.message).toContain(vendor);
      const paid = ['empty', 'cut_off', 'refused'].includes(fault);
      expect(error.usage === undefined).toBe(!paid);
    });

    test('a call that hangs ends at its time limit, and at once when it is aborted', async () => {
      const { provider } = await emulated(vendor, { faults: { rules: [{ prompt: '', fault: 'hang' }] } });
      const { signal } = new AbortController();
      const late = await failure(provider.generateText(request, { signal, timeoutMs: 50 }));
      expect(late).toMatchObject({ code: 'TIMEOUT', message: `${vendor} did not answer within 0.05 s.` });
      const gone = new AbortController();
      const call = ask(provider, {}, gone.signal);
      gone.abort(new Error('enough'));
      await expect(call).rejects.toThrow('enough');
    });

    test('a key that is refused is in no message', async () => {
      const { provider } = await emulated(vendor, { apiKey: 'the right one' }, 'sk-wrong-and-long-enough');
      const error = await failure(ask(provider));
      expect(error.code).toBe('AUTH');
      expect(JSON.stringify([error.message, error.action, error])).not.toContain('sk-wrong');
      expect(() => vendors[vendor]({ apiKey: ' \n' })).toThrow(/API key is empty/);
    });

    test('an answer longer than allowed is cut off', async () => {
      const { provider } = await emulated(vendor);
      expect(await failure(ask(provider, { maxOutputTokens: 5 }))).toMatchObject({ code: 'NO_OUTPUT' });
    });

    test('the limit of requests a minute holds for each model alone', async () => {
      const { provider } = await emulated(vendor, { rpm: 1 });
      await ask(provider);
      const error = await failure(ask(provider));
      expect(error.code).toBe('RATE_LIMITED');
      expect(error.retryAfterMs).toBeGreaterThan(50_000);
      await ask(provider, { model: 'another' });
    });
  });
}

/** A server that answers everything the same, for what the emulators cannot say. */
async function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  const seen: { path: string; headers: NodeJS.Dict<string | string[]>; body: unknown }[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      seen.push({ path: incoming.url ?? '', headers: incoming.headers, body: JSON.parse(text) });
      response.writeHead(status, headers).end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}`, seen };
}

describe('Gemini', () => {
  const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 3, thoughtsTokenCount: 4 };

  test('sends system text, roles and schema, leaves thoughts out of the text and counts them as output', async () => {
    const parts = [{ text: 'thinking', thought: true }, { text: '{"score":' }, { text: '7,"note":"x"}' }];
    const { url, seen } = await answering(200, {
      candidates: [{ content: { parts }, finishReason: 'STOP' }],
      usageMetadata,
      modelVersion: 'gemini-2.5-flash-001',
    });
    const provider = createGeminiProviders({ apiKey: 'key', baseUrl: url }).text;
    const messages = [
      ...request.messages,
      { role: 'assistant' as const, text: 'a' },
      { role: 'user' as const, text: 'b' },
    ];
    const result = await ask(provider, { model: 'gemini-2.5-flash', messages, schema, seed: 3, temperature: 0.5 });
    expect(result).toMatchObject({
      json: { score: 7, note: 'x' },
      usage: { inputTokens: 10, outputTokens: 7, images: 0 },
      modelVersion: 'gemini-2.5-flash-001',
    });
    expect(seen[0]).toMatchObject({
      path: '/v1beta/models/gemini-2.5-flash:generateContent',
      body: {
        systemInstruction: { parts: [{ text: 'You write novels.' }] },
        contents: [{ role: 'user' }, { role: 'model' }, { role: 'user' }],
        generationConfig: { seed: 3, temperature: 0.5, responseMimeType: 'application/json' },
      },
    });
  });

  test.each([
    [{ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata }, 'CONTENT_BLOCKED'],
    [{ candidates: [{ finishReason: 'PROHIBITED_CONTENT' }], usageMetadata }, 'CONTENT_BLOCKED'],
    [{ candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'MAX_TOKENS' }], usageMetadata }, 'NO_OUTPUT'],
    [{ candidates: [{ content: { parts: [] }, finishReason: 'STOP' }], usageMetadata }, 'NO_OUTPUT'],
  ])('%j is %s, and paid for', async (body, code) => {
    const { url } = await answering(200, body);
    const error = await failure(ask(createGeminiProviders({ apiKey: 'key', baseUrl: url }).text));
    expect(error).toMatchObject({ code, usage: { inputTokens: 10, outputTokens: 7, images: 0 } });
  });
});

test('servers that are not OpenAI are asked with the old name of the limit, under their own address', async () => {
  const reply = { choices: [{ message: { content: '```json\n{"score":1,"note":""}\n```' }, finish_reason: 'stop' }] };
  const { url, seen } = await answering(200, reply);
  const provider = createOpenAiProvider({ apiKey: 'none', baseUrl: `${url}/api/v1/`, vendor: 'llama.cpp' });
  const { json, usage } = await ask(provider, { schema, maxOutputTokens: 77, seed: 5 });
  expect(json).toEqual({ score: 1, note: '' });
  expect(usage).toEqual({ inputTokens: 0, outputTokens: 0, images: 0 });
  expect(seen[0]).toMatchObject({
    path: '/api/v1/chat/completions',
    headers: { authorization: 'Bearer none' },
    body: { max_tokens: 77, seed: 5, response_format: { type: 'json_schema', json_schema: { strict: true, schema } } },
  });
});

test('Anthropic counts what it read from and wrote to its cache as input', async () => {
  const usage = { input_tokens: 1, cache_creation_input_tokens: 20, cache_read_input_tokens: 300, output_tokens: 4 };
  const { url, seen } = await answering(200, {
    content: [{ type: 'text', text: 'x' }],
    stop_reason: 'end_turn',
    usage,
  });
  const result = await ask(createAnthropicProvider({ apiKey: 'key', baseUrl: url }), { temperature: 1.5 });
  expect(result.usage).toEqual({ inputTokens: 321, outputTokens: 4, images: 0 });
  expect(seen[0]).toMatchObject({
    path: '/v1/messages',
    headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' },
    body: { system: 'You write novels.', temperature: 1, max_tokens: 8192 },
  });
});

test('a schema that is none is the caller’s mistake', async () => {
  const { provider } = await emulated('OpenAI');
  const error = await failure(ask(provider, { schema: { type: 'no such type' } }));
  expect(error).toMatchObject({ code: 'INVALID_INPUT', retryable: false });
});
