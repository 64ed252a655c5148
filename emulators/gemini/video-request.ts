import { z } from 'zod';

const imageSchema = z.strictObject({
  bytesBase64Encoded: z.string().min(1),
  mimeType: z.string().startsWith('image/'),
});

const bodySchema = z.strictObject({
  instances: z
    .array(
      z.strictObject({ prompt: z.string().min(1), image: imageSchema.optional(), lastFrame: imageSchema.optional() }),
    )
    .length(1),
  parameters: z
    .strictObject({
      aspectRatio: z.enum(['16:9', '9:16']).default('16:9'),
      durationSeconds: z.literal([4, 6, 8]).default(8),
      resolution: z.enum(['720p', '1080p', '4k']).default('720p'),
      negativePrompt: z.string().optional(),
      personGeneration: z.string().optional(),
      sampleCount: z.literal(1).optional(),
      seed: z.int32().min(0).nullable().default(null),
      generateAudio: z.boolean().optional(),
      enhancePrompt: z.boolean().optional(),
    })
    .prefault({}),
});

export interface VideoStartRequest {
  prompt: string;
  seed: number | null;
  seconds: number;
  portrait: boolean;
}

/**
 * The call as the emulator understands it, or the sentence of the 400 it deserves.
 * @see https://ai.google.dev/gemini-api/docs/video
 */
export function parseVideoRequest(text: string): VideoStartRequest | { invalid: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { invalid: 'Invalid JSON payload received. Parsing terminated before end of input.' };
  }
  const parsed = bodySchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { invalid: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}` };
  }
  const { instances, parameters } = parsed.data;
  const { aspectRatio, durationSeconds, resolution, seed } = parameters;
  if (resolution !== '720p' && durationSeconds !== 8) {
    return { invalid: `durationSeconds: ${resolution} videos are 8 seconds long.` };
  }
  const prompt = instances[0]?.prompt ?? '';
  return { prompt, seed, seconds: durationSeconds, portrait: aspectRatio === '9:16' };
}
