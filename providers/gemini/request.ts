import type { ImageRequest } from '../image-provider.ts';

interface InlinePart {
  inlineData: { mimeType: string; data: string };
}

interface GenerateContentBody {
  contents: [{ role: 'user'; parts: ({ text: string } | InlinePart)[] }];
  generationConfig: {
    responseModalities: string[];
    imageConfig: { aspectRatio: string; imageSize?: string };
    seed: number;
  };
}

const seedRange = 2 ** 31;
/** A prime, so that neighbouring seeds of a batch do not shift onto each other. */
const seedStride = 1_000_003;

/**
 * Builds the body of a `generateContent` call, and the same parameters without bytes for the sidecar.
 *
 * What changes with `emptyReplies`: 0 asks for image and text, as the vendor's examples do; 1 for an
 * image only; from 2 on the prompt says so in words too and the seed moves, the same way in every rerun.
 * Gemini has no negative prompt, so it becomes a sentence of the prompt.
 *
 * @see https://ai.google.dev/gemini-api/docs/image-generation
 */
export function buildRequest(request: ImageRequest): { body: GenerateContentBody; sent: Record<string, unknown> } {
  const text = promptText(request);
  const { source } = request;
  const generationConfig = {
    responseModalities: request.emptyReplies === 0 ? ['IMAGE', 'TEXT'] : ['IMAGE'],
    imageConfig: {
      aspectRatio: request.aspectRatio,
      ...(request.imageSize === undefined ? {} : { imageSize: request.imageSize }),
    },
    seed: request.emptyReplies < 2 ? request.seed : (request.seed + request.emptyReplies * seedStride) % seedRange,
  };
  const image: InlinePart[] =
    source === undefined
      ? []
      : [{ inlineData: { mimeType: source.mimeType, data: Buffer.from(source.data).toString('base64') } }];
  return {
    body: { contents: [{ role: 'user', parts: [{ text }, ...image] }], generationConfig },
    sent: {
      model: request.model,
      prompt: text,
      ...generationConfig,
      ...(source === undefined ? {} : { source: { mimeType: source.mimeType, bytes: source.data.byteLength } }),
    },
  };
}

function promptText({ prompt, negativePrompt, emptyReplies }: ImageRequest): string {
  const asked =
    emptyReplies < 2 ? prompt : `Generate an image. Answer with the image itself, not with text.\n\n${prompt}`;
  return negativePrompt === undefined || negativePrompt.trim() === ''
    ? asked
    : `${asked}\n\nDo not show any of the following: ${negativePrompt}`;
}
