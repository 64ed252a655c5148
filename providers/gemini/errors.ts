import type { ErrorCode } from '../../domain/errors.ts';
import { ProviderError } from '../provider-error.ts';
import { retryAfterHeaderMs, type HttpReply } from '../json-call.ts';
import { errorReplySchema } from './schemas.ts';
import { excerpt, parseJson } from '../reply-text.ts';

/**
 * Turns a reply with an error status into a ProviderError. Whether to send again follows from the code.
 * The delay is RetryInfo's, else the Retry-After header's, else none: the caller then uses its own.
 *
 * @see https://ai.google.dev/gemini-api/docs/troubleshooting
 */
export function errorFromReply(reply: HttpReply): ProviderError {
  const parsed = errorReplySchema.safeParse(parseJson(reply.text));
  const error = parsed.success ? parsed.data.error : undefined;
  const details = error?.details ?? [];
  const quotaIds = details.flatMap((detail) => detail.violations ?? []).map((violation) => violation.quotaId ?? '');
  const badKey = details.some((detail) => detail.reason === 'API_KEY_INVALID');
  const perDay = quotaIds.some((quotaId) => quotaId.includes('PerDay'));
  const code = codeOf(reply.status, badKey, perDay);

  const retryAfterMs =
    details.map((detail) => durationMs(detail.retryDelay)).find((ms) => ms !== undefined) ??
    retryAfterHeaderMs(reply.retryAfter);
  const name = error?.status === undefined ? `${reply.status}` : `${reply.status} ${error.status}`;
  const said = error?.message === undefined ? '' : `: ${excerpt(error.message)}`;
  return new ProviderError(
    code,
    `${leads[code] ?? 'Gemini answered with an error'} (${name})${said}`,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}

const leads: Partial<Record<ErrorCode, string>> = {
  RATE_LIMITED: 'Gemini limits the rate of requests',
  QUOTA_EXCEEDED: 'The Gemini quota of the day is used up',
  AUTH: 'Gemini refused the API key',
  INVALID_INPUT: 'Gemini refused the request',
  UNAVAILABLE: 'Gemini is not available',
};

function codeOf(status: number, badKey: boolean, perDay: boolean): ErrorCode {
  if (status === 429) return perDay ? 'QUOTA_EXCEEDED' : 'RATE_LIMITED';
  if (badKey || status === 401 || status === 403) return 'AUTH';
  // 408 is a timeout of the vendor's, 409 and 499 are calls it gave up: none says anything about the item.
  if ([408, 409, 499].includes(status)) return 'UNAVAILABLE';
  return status >= 400 && status < 500 ? 'INVALID_INPUT' : 'UNAVAILABLE';
}

/** A protobuf duration in JSON, e.g. `37s` or `37.5s`. */
function durationMs(duration: string | undefined): number | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(duration ?? '')?.[1];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000);
}
