import type { ImageProvider } from '../image-provider.ts';
import type { GeminiClient } from './client.ts';
import { imageFromReply } from './reply.ts';
import { buildRequest } from './request.ts';

/**
 * Gemini's image models over `generateContent`.
 *
 * @see https://ai.google.dev/gemini-api/docs/image-generation
 */
export function createGeminiImageProvider(client: GeminiClient): ImageProvider {
  return {
    async generateImage(request, options) {
      const { body, sent } = buildRequest(request);
      return { ...imageFromReply(await client.call(request.model, 'generateContent', body, options)), sent };
    },
  };
}
