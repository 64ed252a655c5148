import { SluiceError, type ErrorCode } from '../domain/errors.ts';
import type { Usage } from '../domain/result.ts';

/** A provider's failure. `usage` is set when the failed call was charged all the same. */
export class ProviderError extends SluiceError {
  readonly usage: Usage | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryAfterMs?: number; cause?: unknown; usage?: Usage } = {},
  ) {
    super(code, message, options);
    this.usage = options.usage;
  }
}
