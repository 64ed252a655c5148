import type { Usage } from '../../domain/result.ts';
import type { GenerateContentReply } from './schemas.ts';

/** What a reply says was used; thoughts are paid as output. */
export function usageOf({ usageMetadata }: GenerateContentReply, images: number): Usage {
  return {
    inputTokens: usageMetadata?.promptTokenCount ?? 0,
    outputTokens: (usageMetadata?.candidatesTokenCount ?? 0) + (usageMetadata?.thoughtsTokenCount ?? 0),
    images,
  };
}
