import type { Dispatcher } from 'undici';
import { checkedKey } from '../api-key.ts';
import type { CallOptions } from '../image-provider.ts';
import { callBytes, callJson, headerOf, withoutKey, type HttpReply } from '../json-call.ts';
import { ProviderError } from '../provider-error.ts';
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
  /** GETs a path below the API's version, e.g. `models/m/operations/o`; the rest as of `call`. */
  get(path: string, options: CallOptions): Promise<string>;
  /**
   * Fetches a file by the address a reply gave. Only its path counts: the key goes to the API's own host, or,
   * where that sends on elsewhere, nowhere.
   * @throws ProviderError for every reply but the file
   */
  download(uri: string, options: CallOptions): Promise<Buffer>;
}

const mostRedirects = 3;

const vendor = 'Gemini';

/**
 * @throws ProviderError AUTH when the key could not be sent at all; SluiceError CONFIG_INVALID for a base
 * address that is none
 */
export function createGeminiClient({ apiKey, baseUrl, dispatcher }: GeminiOptions): GeminiClient {
  const key = checkedKey(vendor, apiKey);
  const base = normalizeBaseUrl(baseUrl);
  const headers = { 'x-goog-api-key': key };
  return {
    async call(model, method, body, options) {
      const url = new URL(base);
      url.pathname += `/models/${encodeURIComponent(model)}:${method}`;
      return textOf(await callJson({ vendor, url, headers, body }, options, dispatcher), key);
    },
    async get(path, options) {
      const url = new URL(base);
      url.pathname += `/${path}`;
      return textOf(await callJson({ vendor, url, headers }, options, dispatcher), key);
    },
    async download(uri, options) {
      const given = URL.parse(uri);
      const path = /\/files\/[\w.-]+:download$/.exec(given?.pathname ?? '')?.[0];
      if (path === undefined) throw new ProviderError('UNAVAILABLE', 'Gemini gave no address of the file.');
      let url = new URL(base);
      url.pathname += path;
      url.search = '?alt=media';
      for (let hop = 0; hop <= mostRedirects; hop += 1) {
        const own = url.origin === base.origin ? headers : {};
        const reply = await callBytes({ vendor, url, headers: own }, options, dispatcher);
        if (reply.status === 200) return reply.data;
        const target = reply.status >= 300 && reply.status < 400 ? headerOf(reply.headers, 'location') : undefined;
        const next = target === undefined ? null : URL.parse(target, url.href);
        if (next === null || !['http:', 'https:'].includes(next.protocol)) {
          const retryAfter = headerOf(reply.headers, 'retry-after');
          const text = withoutKey(reply.data.toString('utf8'), key);
          throw errorFromReply({ status: reply.status, retryAfter, text });
        }
        url = next;
      }
      throw new ProviderError('UNAVAILABLE', 'Gemini sends a file from place to place.');
    },
  };
}

function textOf(reply: HttpReply, key: string): string {
  const safe = { ...reply, text: withoutKey(reply.text, key) };
  if (safe.status !== 200) throw errorFromReply(safe);
  return safe.text;
}
