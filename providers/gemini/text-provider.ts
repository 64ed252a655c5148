import { ProviderError } from '../provider-error.ts';
import { parseJson } from '../reply-text.ts';
import { resultOf, type Answer } from '../text-answer.ts';
import { defaultMaxOutputTokens, type TextProvider, type TextRequest } from '../text-provider.ts';
import type { GeminiClient } from './client.ts';
import { refusals } from './refusals.ts';
import { generateContentReplySchema } from './schemas.ts';
import { usageOf } from './usage.ts';

/**
 * Gemini's language models over `generateContent`.
 *
 * @see https://ai.google.dev/gemini-api/docs/text-generation
 */
export function createGeminiTextProvider(client: GeminiClient): TextProvider {
  return {
    async generateText(request, options) {
      const reply = await client.call(request.model, 'generateContent', bodyOf(request), options);
      return resultOf(answerOf(reply), request);
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
