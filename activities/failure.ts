import { ApplicationFailure } from '@temporalio/common';
import { SluiceError } from '../domain/errors.ts';

/** The one place where errors of ours become Temporal failures: the code is the failure's type. */
export function toFailure(
  error: unknown,
  options: { nonRetryable?: boolean; nextRetryDelayMs?: number; details?: unknown[] } = {},
): ApplicationFailure {
  const known = error instanceof SluiceError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return ApplicationFailure.create({
    message,
    type: known?.code ?? 'INTERNAL',
    nonRetryable: options.nonRetryable ?? !(known?.retryable ?? true),
    details: options.details ?? [],
    ...(options.nextRetryDelayMs === undefined ? {} : { nextRetryDelay: options.nextRetryDelayMs }),
    ...(error instanceof Error && known === undefined ? { cause: error } : {}),
  });
}

/** Runs an activity's body and maps what it throws. */
export async function mappingErrors<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof SluiceError) throw toFailure(error);
    throw error;
  }
}
