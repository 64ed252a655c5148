import type { ErrorCode } from '../domain/errors.ts';
import { retryAfterHeaderMs, type HttpReply } from './json-call.ts';
import { ProviderError } from './provider-error.ts';
import { excerpt } from './reply-text.ts';

/** What a vendor's error body says of itself. */
export interface VendorError {
  vendor: string;
  /** The vendor's name of it, e.g. `rate_limit_error`. */
  name: string | undefined;
  message: string | undefined;
  /** There is no money or quota left: waiting a minute does not help. */
  exhausted: boolean;
}

/** A reply with an error status as a ProviderError, for vendors whose statuses mean what HTTP says. */
export function vendorError(reply: HttpReply, { vendor, name, message, exhausted }: VendorError): ProviderError {
  const code = codeOf(reply.status, exhausted);
  const retryAfterMs = retryAfterHeaderMs(reply.retryAfter);
  const label = name === undefined ? String(reply.status) : `${String(reply.status)} ${name}`;
  const said = message === undefined ? '' : `: ${excerpt(message)}`;
  return new ProviderError(
    code,
    `${vendor} ${leads[code] ?? 'answered with an error'} (${label})${said}`,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}

const leads: Partial<Record<ErrorCode, string>> = {
  RATE_LIMITED: 'limits the rate of requests',
  QUOTA_EXCEEDED: 'has no quota or credit left for this key',
  AUTH: 'refused the API key',
  INVALID_INPUT: 'refused the request',
  UNAVAILABLE: 'is not available',
};

function codeOf(status: number, exhausted: boolean): ErrorCode {
  if (exhausted) return 'QUOTA_EXCEEDED';
  if (status === 429) return 'RATE_LIMITED';
  if (status === 401 || status === 403) return 'AUTH';
  if ([408, 409, 499].includes(status)) return 'UNAVAILABLE';
  return status >= 400 && status < 500 ? 'INVALID_INPUT' : 'UNAVAILABLE';
}
