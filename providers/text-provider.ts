import type { CallOptions } from './image-provider.ts';
import type { Usage } from '../domain/result.ts';

/** A text to write. Everything that determines the result is here. */
export interface TextRequest {
  /** The provider's own name of the model. */
  model: string;
  /** Standing instructions. */
  system?: string;
  /** The conversation; the last is the user's. */
  messages: readonly { role: 'user' | 'assistant'; text: string }[];
  /** 0 to 2; left out: the model's own. */
  temperature?: number;
  /** Longest answer, tokens, thoughts included. @default 8192 */
  maxOutputTokens?: number;
  /** Vendors that know none ignore it. */
  seed?: number;
  /** JSON Schema of the answer, an object; left out: free text. */
  schema?: Readonly<Record<string, unknown>>;
}

export interface TextResult {
  text: string;
  /** The answer as an object, checked against the schema; undefined for free text. */
  json: unknown;
  /** `images` is 0. */
  usage: Usage;
  /** What the provider says it ran. */
  modelVersion: string | undefined;
  responseId: string | undefined;
}

/**
 * A vendor's language model. Throws ProviderError: RATE_LIMITED, QUOTA_EXCEEDED, AUTH, INVALID_INPUT,
 * UNAVAILABLE, TIMEOUT; CONTENT_BLOCKED when it refuses; NO_OUTPUT when the answer is empty, was cut off at
 * its length or does not match the schema. What was charged all the same is on `ProviderError.usage`.
 */
export interface TextProvider {
  generateText(request: TextRequest, options: CallOptions): Promise<TextResult>;
}

export const defaultMaxOutputTokens = 8_192;
