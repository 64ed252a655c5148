import type { ErrorCode } from '../../domain/errors.ts';
import type { Usage } from '../../domain/result.ts';
import type { ImageResult } from '../image-provider.ts';
import { ProviderError } from '../provider-error.ts';
import { decodeImage } from './image-data.ts';
import { refusals } from './refusals.ts';
import { generateContentReplySchema, type GenerateContentReply } from './schemas.ts';
import { excerpt, parseJson } from '../reply-text.ts';
import { usageOf } from './usage.ts';

/**
 * Reads the image out of a reply with status 200.
 *
 * @throws ProviderError CONTENT_BLOCKED when prompt or image was refused; NO_OUTPUT for any other reply
 * without an image (text only, NO_IMAGE, OTHER, …); UNAVAILABLE for malformed JSON or a damaged image.
 * Each carries the usage where the reply gives one, because such a reply is charged.
 */
export function imageFromReply(text: string): Omit<ImageResult, 'sent'> {
  const parsed = generateContentReplySchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new ProviderError('UNAVAILABLE', `Gemini sent a malformed reply of ${text.length} characters.`);
  }
  const reply = parsed.data;
  const parts = (reply.candidates ?? [])
    .flatMap((candidate) => candidate.content?.parts ?? [])
    .filter((part) => part.thought !== true);
  const images = parts.flatMap((part) => (part.inlineData?.mimeType.startsWith('image/') ? [part.inlineData] : []));
  const usage = usageOf(reply, images.length);

  const image = images[0];
  if (image === undefined) {
    const spoken = parts.map((part) => part.text ?? '').join(' ');
    throw emptyReplyError(reply, spoken, reply.usageMetadata === undefined ? undefined : usage);
  }
  const data = decodeImage(image);
  if (data === undefined) {
    throw new ProviderError('UNAVAILABLE', `Gemini sent a damaged image (${excerpt(image.mimeType, 40)}).`, { usage });
  }
  return { mimeType: image.mimeType, data, usage, modelVersion: reply.modelVersion, responseId: reply.responseId };
}

function emptyReplyError(reply: GenerateContentReply, spoken: string, usage: Usage | undefined): ProviderError {
  const blockReason = reply.promptFeedback?.blockReason;
  const candidate = reply.candidates?.[0];
  const reason = candidate?.finishReason;
  const said = excerpt(
    [candidate?.finishMessage, reply.promptFeedback?.blockReasonMessage, spoken].filter(Boolean).join(' '),
  );
  const tail = said === '' ? '.' : `: ${said}`;

  let code: ErrorCode = 'NO_OUTPUT';
  let message = `Gemini sent no image (finish reason ${reason ?? 'not given'})${tail}`;
  if (blockReason !== undefined) {
    code = 'CONTENT_BLOCKED';
    message = `Gemini blocked the prompt (${blockReason})${tail}`;
  } else if (reason !== undefined && refusals.has(reason)) {
    code = 'CONTENT_BLOCKED';
    message = `Gemini refused the content (finish reason ${reason})${tail}`;
  } else if (reason === 'STOP' && spoken.trim() !== '') {
    message = `Gemini answered with text only (finish reason STOP)${tail}`;
  }
  return new ProviderError(code, message, usage === undefined ? {} : { usage });
}
