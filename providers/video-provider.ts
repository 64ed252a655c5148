import type { CallOptions } from './image-provider.ts';

/** One video to make. Everything that determines the result is here. */
export interface VideoRequest {
  /** The provider's own name of the model. */
  model: string;
  prompt: string;
  negativePrompt?: string;
  /** `16:9` or `9:16`; left out: the model's default. */
  aspectRatio?: string;
  seconds: number;
  /** e.g. `720p`; left out: the model's default. */
  resolution?: string;
  seed?: number;
  /** The image the video begins with. */
  firstFrame?: { mimeType: string; data: Uint8Array };
}

export interface VideoStarted {
  /** The provider's name of the operation, e.g. `models/veo-3.1/operations/abc`: all that is needed to find it again. */
  operation: string;
  /** The parameters as they were sent, for the sidecar; no bytes, no key. */
  sent: Record<string, unknown>;
}

/**
 * How far an operation is; `done` has the address of the video, which only the provider's key opens; `failed`:
 * it made none and charged nothing, another one may.
 */
export type VideoState = { state: 'running' } | { state: 'done'; uri: string } | { state: 'failed'; message: string };

/**
 * A vendor's video model: started once, looked at until it is done, fetched. Throws ProviderError:
 * RATE_LIMITED, QUOTA_EXCEEDED, AUTH, INVALID_INPUT, UNAVAILABLE, TIMEOUT; CONTENT_BLOCKED when the video or
 * the prompt was refused.
 */
export interface VideoProvider {
  start(request: VideoRequest, options: CallOptions): Promise<VideoStarted>;
  look(operation: string, options: CallOptions): Promise<VideoState>;
  download(uri: string, options: CallOptions): Promise<{ mimeType: string; data: Uint8Array }>;
}
