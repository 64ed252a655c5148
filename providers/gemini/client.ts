import type { Dispatcher } from 'undici';
import { checkedKey } from '../api-key.ts';
import type { CallOptions } from '../image-provider.ts';
import { postJson, withoutKey } from '../json-call.ts';
import { normalizeBaseUrl } from './base-url.ts';
import { errorFromReply } from './errors.ts';

export interface GeminiOptions {
  /** Sent in the `x-goog-api-key` header and nowhere else. */
  apiKey: string;
  /** With or without `/v1beta`. @default 'https://generativelanguage.googleapis.com/v1beta' */
  baseUrl?: string;
  /** Connections to use instead of the process's shared pool. */
  dispatcher?: Dispatcher;
}

/** Calls of Gemini's API, whatever the model makes. */
export interface GeminiClient {
  /**
   * POSTs to `models/{model}:{method}` and returns the text of a reply with status 200, without the key.
   * @throws ProviderError for every other reply
   */
  call(model: string, method: string, body: object, options: CallOptions): Promise<string>;
}

/**
 * @throws ProviderError AUTH when the key could not be sent at all; SluiceError CONFIG_INVALID for a base
 * address that is none
 */
export function createGeminiClient({ apiKey, baseUrl, dispatcher }: GeminiOptions): GeminiClient {
  const key = checkedKey('Gemini', apiKey);
  const base = normalizeBaseUrl(baseUrl);
  const headers = { 'x-goog-api-key': key };
  return {
    async call(model, method, body, options) {
      const url = new URL(base);
      url.pathname += `/models/${encodeURIComponent(model)}:${method}`;
      const reply = await postJson({ vendor: 'Gemini', url, headers, body }, options, dispatcher);
      const safe = { ...reply, text: withoutKey(reply.text, key) };
      if (safe.status !== 200) throw errorFromReply(safe);
      return safe.text;
    },
  };
}
