import type { ProviderSet } from '../provider-set.ts';
import { createGeminiClient, type GeminiOptions } from './client.ts';
import { createGeminiImageProvider } from './image-provider.ts';
import { createGeminiTextProvider } from './text-provider.ts';
import { createGeminiVideoProvider } from './video-provider.ts';

/**
 * All of Gemini's models.
 *
 * @throws ProviderError AUTH when the key could not be sent at all; SluiceError CONFIG_INVALID for a base
 * address that is none
 */
export function createGeminiProviders(options: GeminiOptions): Required<ProviderSet> {
  const client = createGeminiClient(options);
  return {
    image: createGeminiImageProvider(client),
    text: createGeminiTextProvider(client),
    video: createGeminiVideoProvider(client),
  };
}
