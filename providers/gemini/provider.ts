import type { Dispatcher } from 'undici';
import type { ImageProvider } from '../image-provider.ts';
import { ProviderError } from '../provider-error.ts';
import { normalizeBaseUrl, postJson } from './client.ts';
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
  const key = apiKey.trim();
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new ProviderError('AUTH', 'The Gemini API key is empty or has characters that no key has.');
  }
  const base = normalizeBaseUrl(baseUrl);
  return {
    async generateImage(request, options) {
      const { body, sent } = buildRequest(request);
      const url = new URL(base);
      url.pathname += `/models/${encodeURIComponent(request.model)}:generateContent`;
      const reply = await postJson(url, key, body, options, dispatcher);
      const safe = { ...reply, text: withoutKey(reply.text, key) };
      if (safe.status !== 200) throw errorFromReply(safe);
      return { ...imageFromReply(safe.text), sent };
    },
  };
}

/** A reply may quote what it was sent; a key must not get into a log that way. */
function withoutKey(text: string, key: string): string {
  // A shorter "key" is a test's, and could be found in the base64 of an image by chance.
  return key.length < 16 ? text : text.replaceAll(key, '[API key]');
}
