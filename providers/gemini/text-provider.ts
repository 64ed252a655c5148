import type { Dispatcher } from 'undici';
import type { CallOptions } from '../image-provider.ts';
import { checkedKey } from '../api-key.ts';
import { postJson, withoutKey } from '../json-call.ts';
import { ProviderError } from '../provider-error.ts';
import { parseJson } from '../reply-text.ts';
import { resultOf, type Answer } from '../text-answer.ts';
import { defaultMaxOutputTokens, type TextProvider, type TextRequest } from '../text-provider.ts';
import { normalizeBaseUrl } from './base-url.ts';
import { errorFromReply } from './errors.ts';
import { refusals } from './refusals.ts';
import { generateContentReplySchema } from './schemas.ts';
import { usageOf } from './usage.ts';

interface GeminiTextProviderOptions {
  /** Sent in the `x-goog-api-key` header and nowhere else. */
  apiKey: string;
  /** With or without `/v1beta`. @default 'https://generativelanguage.googleapis.com/v1beta' */
  baseUrl?: string;
  /** Connections to use instead of the process's shared pool. */
  dispatcher?: Dispatcher;
}

/**
 * Gemini's language models over `generateContent`.
 *
 * @throws ProviderError AUTH when the key could not be sent; SluiceError CONFIG_INVALID for an address that is none
 * @see https://ai.google.dev/gemini-api/docs/text-generation
 */
export function createGeminiTextProvider({ apiKey, baseUrl, dispatcher }: GeminiTextProviderOptions): TextProvider {
  const key = checkedKey('Gemini', apiKey);
  const base = normalizeBaseUrl(baseUrl);
  const headers = { 'x-goog-api-key': key };
  return {
    async generateText(request: TextRequest, options: CallOptions) {
      const url = new URL(base);
      url.pathname += `/models/${encodeURIComponent(request.model)}:generateContent`;
      const reply = await postJson({ vendor: 'Gemini', url, headers, body: bodyOf(request) }, options, dispatcher);
      const safe = { ...reply, text: withoutKey(reply.text, key) };
      if (safe.status !== 200) throw errorFromReply(safe);
      return resultOf(answerOf(safe.text), request);
    },
  };
}

function bodyOf(request: TextRequest): object {
  const { system, messages, temperature, maxOutputTokens = defaultMaxOutputTokens, seed, schema } = request;
  return {
    contents: messages.map(({ role, text }) => ({ role: role === 'user' ? 'user' : 'model', parts: [{ text }] })),
    ...(system === undefined ? {} : { systemInstruction: { parts: [{ text: system }] } }),
    generationConfig: {
      maxOutputTokens,
      ...(temperature === undefined ? {} : { temperature }),
      ...(seed === undefined ? {} : { seed }),
      ...(schema === undefined ? {} : { responseMimeType: 'application/json', responseJsonSchema: schema }),
    },
  };
}

function answerOf(body: string): Answer {
  const parsed = generateContentReplySchema.safeParse(parseJson(body));
  if (!parsed.success) {
    throw new ProviderError('UNAVAILABLE', `Gemini sent a malformed reply of ${String(body.length)} characters.`);
  }
  const reply = parsed.data;
  const candidate = reply.candidates?.[0];
  const parts = (candidate?.content?.parts ?? []).filter((part) => part.thought !== true);
  const blocked = reply.promptFeedback?.blockReason;
  const reason = blocked ?? candidate?.finishReason;
  const refused = blocked !== undefined || (reason !== undefined && refusals.has(reason));
  return {
    vendor: 'Gemini',
    text: parts.map((part) => part.text ?? '').join(''),
    end: refused ? 'refused' : reason === 'MAX_TOKENS' ? 'cut_off' : 'complete',
    reason,
    usage: usageOf(reply, 0),
    modelVersion: reply.modelVersion,
    responseId: reply.responseId,
  };
}
