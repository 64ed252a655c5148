import type { Dispatcher } from 'undici';
import type { ImageProvider } from '../image-provider.ts';
import { checkedKey } from '../api-key.ts';
import { postJson, withoutKey } from '../json-call.ts';
import { normalizeBaseUrl } from './base-url.ts';
import { errorFromReply } from './errors.ts';
import { imageFromReply } from './reply.ts';
import { buildRequest } from './request.ts';

interface GeminiProviderOptions {
  /** Sent in the `x-goog-api-key` header and nowhere else. */
  apiKey: string;
  /** With or without `/v1beta`. @default 'https://generativelanguage.googleapis.com/v1beta' */
  baseUrl?: string;
  /** Connections to use instead of the process's shared pool. */
  dispatcher?: Dispatcher;
}

/**
 * Gemini's image models over `generateContent`.
 *
 * @throws ProviderError AUTH when the key could not be sent at all; SluiceError CONFIG_INVALID for a base
 * address that is none.
 * @see https://ai.google.dev/gemini-api/docs/image-generation
 */
export function createGeminiProvider({ apiKey, baseUrl, dispatcher }: GeminiProviderOptions): ImageProvider {
  const key = checkedKey('Gemini', apiKey);
  const base = normalizeBaseUrl(baseUrl);
  return {
    async generateImage(request, options) {
      const { body, sent } = buildRequest(request);
      const url = new URL(base);
      url.pathname += `/models/${encodeURIComponent(request.model)}:generateContent`;
      const headers = { 'x-goog-api-key': key };
      const reply = await postJson({ vendor: 'Gemini', url, headers, body }, options, dispatcher);
      const safe = { ...reply, text: withoutKey(reply.text, key) };
      if (safe.status !== 200) throw errorFromReply(safe);
      return { ...imageFromReply(safe.text), sent };
    },
  };
}
