import type { FaultName } from './faults.ts';
import type { GenerateRequest } from './generate-request.ts';
import type { Reply } from './http.ts';
import { renderImage } from './image.ts';
import { emptyReply, errors, imageReply, promptBlockedReply, textOnlyReply, type ErrorReply } from './replies.ts';

interface Context {
  model: string;
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

/** What the model answers. */
export function answer(context: Context): Reply {
  switch (context.fault) {
    case 'rate_limited':
      return errorReply(errors.quota('Minute', context.model, null, context.retryDelayMs));
    case 'rate_limited_no_retry_info':
      return errorReply(errors.quota('Minute', context.model, null, undefined));
    case 'quota_per_day':
      return errorReply(errors.quota('Day', context.model, null, context.retryDelayMs));
    case 'bad_key':
      return errorReply(errors.invalidKey());
    case 'server_error':
      return errorReply(errors.internal());
    case 'unavailable':
      return errorReply(errors.unavailable());
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
    case 'hang':
    case 'slow':
    case null:
      return context.request.modalities.includes('IMAGE') ? drawn(context) : ok(textOnlyReply(context));
  }
}

function ok(body: object): Reply {
  return { status: 200, text: JSON.stringify(body) };
}

function drawn(context: Context): Reply {
  return ok(imageReply(context, renderImage(context.request)));
}
