import { z } from 'zod';
import type { GeminiEmulatorOptions } from '../../../emulators/gemini/options.ts';
import { startGeminiEmulator, type GeminiEmulator } from '../../../emulators/gemini/server.ts';

/** The parts of a reply that tests look into; the rest is kept as it is. */
const replySchema = z.looseObject({
  candidates: z
    .array(
      z.looseObject({
        content: z.looseObject({
          parts: z.array(z.looseObject({ inlineData: z.looseObject({ data: z.string() }).optional() })),
        }),
      }),
    )
    .optional(),
  error: z.looseObject({ status: z.string(), details: z.array(z.looseObject({})).optional() }).optional(),
});
const summarySchema = z.looseObject({ in_flight: z.number() });

export const model = 'gemini-2.5-flash-image';
export const apiKey = 'AIza-a-key-of-a-real-length-0123456789';

const emulators = new Set<GeminiEmulator>();

/** Starts an emulator without latency; `closeAll` ends it. */
export async function start(options: GeminiEmulatorOptions = {}): Promise<GeminiEmulator> {
  const emulator = await startGeminiEmulator({ latencyMs: 0, ...options });
  const close = async () => {
    if (emulators.delete(emulator)) await emulator.close();
  };
  emulators.add(emulator);
  return { url: emulator.url, port: emulator.port, close };
}

export async function closeAll(): Promise<void> {
  await Promise.all([...emulators].map((emulator) => emulator.close()));
  emulators.clear();
}

export function body(prompt: string, generationConfig: object = {}): string {
  return JSON.stringify({ contents: [{ role: 'user', parts: [{ text: prompt }] }], generationConfig });
}

interface PostOptions {
  path?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export async function post(emulator: GeminiEmulator, text: string, options: PostOptions = {}) {
  const { path = `/v1beta/models/${model}:generateContent`, headers = {}, signal } = options;
  const reply = await fetch(emulator.url + path, {
    method: 'POST',
    body: text,
    headers,
    ...(signal ? { signal } : {}),
  });
  return {
    status: reply.status,
    type: reply.headers.get('content-type'),
    json: replySchema.parse(JSON.parse(await reply.text())),
  };
}

export async function summary(emulator: GeminiEmulator) {
  const reply = await fetch(`${emulator.url}/__emulator/calls`);
  return summarySchema.parse(JSON.parse(await reply.text()));
}

/** The parts of a reply's one candidate. */
export function partsOf(reply: Awaited<ReturnType<typeof post>>) {
  return reply.json.candidates?.[0]?.content.parts ?? [];
}
