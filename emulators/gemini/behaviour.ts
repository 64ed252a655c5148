import type { FaultName } from './faults.ts';
import type { GenerateRequest } from './generate-request.ts';
import type { Reply } from '../shared/http.ts';
import { renderImage } from './image.ts';
import { emptyReply, errors, imageReply, promptBlockedReply, textOnlyReply, type ErrorReply } from './replies.ts';
import { textReply } from './text-reply.ts';

interface Context {
  model: string;
  kind: 'image' | 'text';
  /** Words of an answer that was not asked to have another length. */
  words: number;
  call: number;
  request: GenerateRequest;
  fault: FaultName | null;
  /** RetryInfo of a `rate_limited` fault. */
  retryDelayMs: number;
}

/** An error as it goes over the wire. */
export function errorReply(body: ErrorReply): Reply {
  return { status: body.error.code, text: JSON.stringify(body) };
}

/** Errors that the vendor's gateway gives at once; everything else takes the model's time. */
export function isImmediate(fault: FaultName | null): boolean {
  return fault !== null && ['rate_limited', 'rate_limited_no_retry_info', 'quota_per_day', 'bad_key'].includes(fault);
}

/** Errors of the vendor's gateway and of its machines, whatever the model makes; null: none of them. */
export function failure({
  fault,
  model,
  retryDelayMs,
}: Pick<Context, 'fault' | 'model' | 'retryDelayMs'>): Reply | null {
  switch (fault) {
    case 'rate_limited':
      return errorReply(errors.quota('Minute', model, null, retryDelayMs));
    case 'rate_limited_no_retry_info':
      return errorReply(errors.quota('Minute', model, null, undefined));
    case 'quota_per_day':
      return errorReply(errors.quota('Day', model, null, retryDelayMs));
    case 'bad_key':
      return errorReply(errors.invalidKey());
    case 'server_error':
      return errorReply(errors.internal());
    case 'unavailable':
      return errorReply(errors.unavailable());
    default:
      return null;
  }
}

/** What the model answers. */
export function answer(context: Context): Reply {
  const failed = failure(context);
  if (failed !== null) return failed;
  return context.kind === 'text' ? spoken(context) : pictured(context);
}

function spoken(context: Context): Reply {
  const { fault } = context;
  if (fault === 'prompt_blocked') return ok(promptBlockedReply(context));
  if (fault === 'safety') return ok(emptyReply(context, 'SAFETY', 'The answer was filtered out for safety reasons.'));
  const { status, text } = ok(textReply(context));
  return fault === 'malformed_json'
    ? { status, text: text.slice(0, text.length >> 1) }
    : { status, text, cut: fault === 'cut' };
}

function pictured(context: Context): Reply {
  switch (context.fault) {
    case 'text_only':
      return ok(textOnlyReply(context));
    case 'no_image':
      return ok(emptyReply(context, 'NO_IMAGE', 'Unable to generate an image for this prompt.'));
    case 'safety':
      return ok(emptyReply(context, 'IMAGE_SAFETY', 'The generated image was filtered out for safety reasons.'));
    case 'prompt_blocked':
      return ok(promptBlockedReply(context));
    case 'damaged_image':
      return ok(imageReply(context, Buffer.from('this is no image')));
    case 'malformed_json': {
      const { text } = drawn(context);
      return { status: 200, text: text.slice(0, text.length >> 1) };
    }
    case 'cut':
      return { ...drawn(context), cut: true };
    default:
      return context.request.modalities.includes('IMAGE') ? drawn(context) : ok(textOnlyReply(context));
  }
}

function ok(body: object): { status: number; text: string } {
  return { status: 200, text: JSON.stringify(body) };
}

function drawn(context: Context): { status: number; text: string } {
  return ok(imageReply(context, renderImage(context.request)));
}
