import { z } from 'zod';
import { ProviderError } from '../provider-error.ts';
import { excerpt, parseJson } from '../reply-text.ts';
import type { VideoProvider, VideoRequest, VideoState } from '../video-provider.ts';
import type { GeminiClient } from './client.ts';

const text = z.string().optional().catch(undefined);

const operationSchema = z.object({
  name: text,
  done: z.boolean().optional().catch(undefined),
  error: z
    .object({ code: z.number().optional().catch(undefined), message: text })
    .optional()
    .catch(undefined),
  response: z
    .object({
      generateVideoResponse: z.object({
        generatedSamples: z
          .array(z.object({ video: z.object({ uri: text }).optional().catch(undefined) }))
          .optional()
          .catch(undefined),
        raiMediaFilteredReasons: z.array(z.string()).optional().catch(undefined),
        raiMediaFilteredCount: z.number().optional().catch(undefined),
      }),
    })
    .optional()
    .catch(undefined),
});

/** google.rpc.Code of what the request itself is to blame for. */
const invalidArgument = 3;

/**
 * Gemini's video models (Veo): an operation that is started, looked at, and fetched.
 *
 * @see https://ai.google.dev/gemini-api/docs/video
 */
export function createGeminiVideoProvider(client: GeminiClient): VideoProvider {
  return {
    async start(request, options) {
      const { body, sent } = buildRequest(request);
      const reply = await client.call(request.model, 'predictLongRunning', body, options);
      const operation = operationSchema.safeParse(parseJson(reply)).data?.name;
      if (operation !== undefined && isOperationName(operation)) return { operation, sent };
      throw new ProviderError('UNAVAILABLE', 'Gemini did not name the operation that makes the video.');
    },
    async look(operation, options) {
      return stateOf(await client.get(operation, options));
    },
    async download(uri, options) {
      const data = await client.download(uri, options);
      if (data.toString('latin1', 4, 8) === 'ftyp') return { mimeType: 'video/mp4', data };
      throw new ProviderError('UNAVAILABLE', `Gemini sent a damaged video of ${String(data.byteLength)} bytes.`);
    },
  };
}

/** A path below the API's version and nothing else: it becomes part of an address that the key is sent to. */
function isOperationName(name: string): boolean {
  return /^[\w.-]+(\/[\w.-]+)*$/.test(name) && !name.split('/').includes('..');
}

function buildRequest(request: VideoRequest): { body: object; sent: Record<string, unknown> } {
  const { model, prompt, negativePrompt, aspectRatio, seconds, resolution, seed, firstFrame } = request;
  const parameters = {
    durationSeconds: seconds,
    ...(aspectRatio === undefined ? {} : { aspectRatio }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(seed === undefined ? {} : { seed }),
    ...(negativePrompt === undefined || negativePrompt.trim() === '' ? {} : { negativePrompt }),
  };
  const image =
    firstFrame === undefined
      ? {}
      : {
          image: {
            bytesBase64Encoded: Buffer.from(firstFrame.data).toString('base64'),
            mimeType: firstFrame.mimeType,
          },
        };
  const source = firstFrame && { mimeType: firstFrame.mimeType, bytes: firstFrame.data.byteLength };
  return {
    body: { instances: [{ prompt, ...image }], parameters },
    sent: { model, prompt, ...parameters, ...(source === undefined ? {} : { first_frame: source }) },
  };
}

/** Throws CONTENT_BLOCKED for a video that was filtered, INVALID_INPUT for a request that cannot be made. */
function stateOf(reply: string): VideoState {
  const parsed = operationSchema.safeParse(parseJson(reply));
  if (!parsed.success) throw new ProviderError('UNAVAILABLE', 'Gemini sent a malformed reply about a video.');
  const { done, error, response } = parsed.data;
  if (done !== true) return { state: 'running' };
  const { message = '', code } = error ?? {};
  if (error !== undefined && code === invalidArgument) {
    const refused = /guideline|policy|policies|safety|sensitive/i.test(message);
    const lead = refused ? 'Gemini refused the content' : 'Gemini refused the request';
    throw new ProviderError(refused ? 'CONTENT_BLOCKED' : 'INVALID_INPUT', `${lead}: ${excerpt(message)}`);
  }
  if (error !== undefined) return { state: 'failed', message: `Gemini made no video: ${excerpt(message)}` };
  const made = response?.generateVideoResponse;
  const uri = made?.generatedSamples?.[0]?.video?.uri;
  if (uri !== undefined) return { state: 'done', uri };
  const reasons = made?.raiMediaFilteredReasons ?? [];
  if (reasons.length > 0 || (made?.raiMediaFilteredCount ?? 0) > 0) {
    throw new ProviderError('CONTENT_BLOCKED', `Gemini filtered the video: ${excerpt(reasons.join(' '))}`);
  }
  return { state: 'failed', message: 'Gemini ended the operation without a video.' };
}
