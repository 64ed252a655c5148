import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterEach, expect, test } from 'vitest';
import type { TextEmulatorOptions } from '../../../emulators/text/options.ts';
import { startTextEmulator, type TextEmulator } from '../../../emulators/text/server.ts';

/** The vendors' own clients are the judges of whether the emulator speaks their protocols. */
let emulator: TextEmulator | undefined;
afterEach(() => emulator?.close());

async function start(options: TextEmulatorOptions = {}): Promise<string> {
  emulator = await startTextEmulator({ latencyMs: 0, apiKey: 'right', ...options });
  return emulator.url;
}

const openAi = (url: string, apiKey = 'right') => new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
const anthropic = (url: string, apiKey = 'right') => new Anthropic({ apiKey, baseURL: url, maxRetries: 0 });
const failureOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

const question = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'Write a line.' }] };
const told = { model: 'claude-haiku-4-5', max_tokens: 1_000, messages: question.messages };
const schema = {
  type: 'object' as const,
  properties: { score: { type: 'integer', minimum: 1, maximum: 10 } },
  required: ['score'],
  additionalProperties: false,
};

test('OpenAI’s client gets text with usage, and an object of the shape it asked for', async () => {
  const client = openAi(await start());
  const reply = await client.chat.completions.create(question);
  expect(reply.choices[0]?.message.content).toMatch(/^\[emulated gpt-4o\]/);
  expect(reply.choices[0]?.finish_reason).toBe('stop');
  expect(reply.usage).toMatchObject({ prompt_tokens: 4 });
  const judged = await client.chat.completions.create({
    ...question,
    response_format: { type: 'json_schema', json_schema: { name: 'verdict', strict: true, schema } },
  });
  const verdict = JSON.parse(judged.choices[0]?.message.content ?? '') as { score: number };
  expect(verdict.score).toBeGreaterThanOrEqual(1);
});

test('OpenAI’s client throws its own errors for a wrong key, a limit of rate and a spent quota', async () => {
  const url = await start({ rpm: 2, faults: { rules: [{ prompt: 'line', fault: 'quota', times: 1 }] } });
  expect(await failureOf(openAi(url, 'wrong').chat.completions.create(question))).toBeInstanceOf(
    OpenAI.AuthenticationError,
  );
  expect(await failureOf(openAi(url).chat.completions.create(question))).toMatchObject({ code: 'insufficient_quota' });
  await openAi(url).chat.completions.create(question);
  const limited = await failureOf(openAi(url).chat.completions.create(question));
  expect(limited).toBeInstanceOf(OpenAI.RateLimitError);
  expect(Number((limited as InstanceType<typeof OpenAI.RateLimitError>).headers.get('retry-after'))).toBeGreaterThan(0);
});

test('Anthropic’s client gets text with usage, and the input of the tool it has to use', async () => {
  const client = anthropic(await start());
  const reply = await client.messages.create(told);
  expect(reply.content[0]).toMatchObject({ type: 'text' });
  expect(reply).toMatchObject({ stop_reason: 'end_turn', usage: { input_tokens: 4 } });
  const judged = await client.messages.create({
    ...told,
    tools: [{ name: 'answer', input_schema: schema }],
    tool_choice: { type: 'tool', name: 'answer' },
  });
  expect(judged.content[0]).toMatchObject({
    type: 'tool_use',
    name: 'answer',
    input: { score: expect.any(Number) as number },
  });
});

test('Anthropic’s client throws its own errors for a wrong key and an overloaded model', async () => {
  const url = await start({ faults: { rules: [{ prompt: 'line', fault: 'overloaded' }] } });
  expect(await failureOf(anthropic(url, 'wrong').messages.create(told))).toBeInstanceOf(Anthropic.AuthenticationError);
  expect(await failureOf(anthropic(url).messages.create(told))).toMatchObject({ status: 529 });
});

test('a server of one’s own may want no key', async () => {
  const url = await start({ keyless: true });
  const reply = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(question) });
  expect(reply.status).toBe(200);
});
