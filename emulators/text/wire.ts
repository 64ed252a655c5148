import { z } from 'zod';
import type { Reply } from '../shared/http.ts';
import type { TextAnswer, TextAsked } from '../shared/text-answer.ts';

export type WireError = 'rate_limited' | 'quota' | 'server_error' | 'overloaded' | 'bad_key' | 'bad_request';

/** How a vendor's API looks from outside. */
export interface Wire {
  /** e.g. `/v1/chat/completions`. */
  path: string;
  /** The key of a request's headers. */
  keyOf: (headers: NodeJS.Dict<string | string[]>) => string | null;
  /** A body that cannot be read gives a message. */
  parse: (body: string) => TextAsked | { invalid: string };
  /** @param call number of the call, for ids */
  answer: (asked: TextAsked, answer: TextAnswer, call: number) => object;
  /** @param retryAfterMs of rate limits, where a header says so */
  error: (error: WireError, message: string, retryAfterMs?: number) => Reply;
}

/** A text, or parts of one; other parts than of text make no difference here. */
export const contentSchema = z.union([
  z.string(),
  z
    .array(z.looseObject({ type: z.string(), text: z.string().optional() }))
    .transform((parts) => parts.map(({ text = '' }) => text).join('')),
]);

/** Undefined for what is no JSON. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
