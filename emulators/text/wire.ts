import type { Reply } from '../gemini/http.ts';

/** A call of a language model, whichever the vendor's wire. */
export interface TextCall {
  model: string;
  /** All that was said, system text included. */
  prompt: string;
  seed: number | null;
  maxTokens: number | null;
  /** JSON Schema of the answer, if one was asked for. */
  schema: unknown;
}

/** What the model says to it. */
export interface TextAnswer {
  call: number;
  text: string;
  end: 'complete' | 'cut_off' | 'refused';
  inputTokens: number;
  outputTokens: number;
}

export type WireError = 'rate_limited' | 'quota' | 'server_error' | 'overloaded' | 'bad_key' | 'bad_request';

/** How a vendor's API looks from outside. */
export interface Wire {
  /** e.g. `/v1/chat/completions`. */
  path: string;
  /** The key of a request's headers. */
  keyOf: (headers: NodeJS.Dict<string | string[]>) => string | null;
  /** A body that cannot be read gives a message. */
  parse: (body: string) => TextCall | { invalid: string };
  answer: (call: TextCall, answer: TextAnswer) => object;
  /** @param retryAfterMs of rate limits, where a header says so */
  error: (error: WireError, message: string, retryAfterMs?: number) => Reply & { headers?: Record<string, string> };
}

/** Tokens as both vendors roughly count them for English. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}
