import type { BatchReport } from '../client/batch-report.ts';
import type { ErrorCode } from '../domain/errors.ts';

/** The process's exit statuses: what scripts can rely on. */
export const exitStatus = { succeeded: 0, error: 1, usage: 2, failures: 3, paused: 4, cancelled: 5 } as const;

const usageCodes: ReadonlySet<ErrorCode> = new Set([
  'USAGE',
  'INVALID_INPUT',
  'INPUT_NOT_FOUND',
  'INPUT_UNREADABLE',
  'NO_VALID_REQUESTS',
  'UNKNOWN_FLOW',
  'FLOW_INVALID',
  'UNKNOWN_MODEL',
  'CONFIG_INVALID',
  'BATCH_NOT_FOUND',
  'SCHEDULE_NOT_FOUND',
  'SCHEDULE_EXISTS',
  'QUESTION_NOT_FOUND',
  'QUESTION_ANSWERED',
  'INVALID_ANSWER',
  'OUTPUT_IN_USE',
  'OUTPUT_EXISTS',
  'OUTPUT_NOT_WRITABLE',
]);

/** The one place that maps error codes to exit statuses. */
export function exitStatusOfError(code: ErrorCode): number {
  return usageCodes.has(code) ? exitStatus.usage : exitStatus.error;
}

/** The exit status of a command that followed a batch to where it is now. */
export function exitStatusOfBatch({ status }: Pick<BatchReport, 'status'>): number {
  switch (status) {
    case 'succeeded':
      return exitStatus.succeeded;
    case 'failed':
      return exitStatus.failures;
    case 'waiting':
    case 'paused':
      return exitStatus.paused;
    case 'cancelled':
      return exitStatus.cancelled;
    case 'running':
    case 'terminated':
      return exitStatus.error;
  }
}
