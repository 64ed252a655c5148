import type { Usage } from '../domain/result.ts';

/** One image to make. Everything that determines the result is here. */
export interface ImageRequest {
  /** The provider's own name of the model, e.g. `gemini-2.5-flash-image`. */
  model: string;
  prompt: string;
  negativePrompt?: string;
  seed: number;
  aspectRatio: string;
  /** e.g. `1K`, `2K`; omitted: the model's default. */
  imageSize?: string;
  /** Source image to edit. */
  source?: { mimeType: string; data: Uint8Array };
  /**
   * How many earlier calls for this item came back without an image. The provider changes its
   * parameters with it (modalities, wording, seed), because the same request tends to fail again.
   */
  emptyReplies: number;
}

export interface ImageResult {
  mimeType: string;
  data: Uint8Array;
  usage: Usage;
  /** What the provider says it ran. */
  modelVersion: string | undefined;
  responseId: string | undefined;
  /** The parameters as they were sent, for the sidecar; no bytes, no key. */
  sent: Record<string, unknown>;
}

export interface CallOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** Called once the request's bytes are on the wire; the rate limiter stamps the request with it. */
  onSent?: () => void;
}

/**
 * A vendor's image model. Throws SluiceError (RATE_LIMITED, TIMEOUT, UNAVAILABLE, NO_OUTPUT,
 * INVALID_INPUT, AUTH, QUOTA_EXCEEDED, CONTENT_BLOCKED): whether to retry is decided here, where the
 * error is born. A call that was charged although it failed carries its usage on `ProviderError.usage`.
 */
export interface ImageProvider {
  generateImage(request: ImageRequest, options: CallOptions): Promise<ImageResult>;
}
