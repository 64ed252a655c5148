import type { ErrorCode } from './errors.ts';

/**
 * Whether a failure is one of the surroundings, and not of the item: then the batch pauses, and the item is
 * started again when it resumes, instead of being counted as failed.
 */
export function surroundingsOf(code: ErrorCode | null): 'environment' | 'budget' | 'storage' | null {
  switch (code) {
    case 'AUTH':
    case 'QUOTA_EXCEEDED':
      return 'environment';
    case 'BATCH_BUDGET_REACHED':
    case 'BUDGET_REACHED':
    case 'DAY_BUDGET_REACHED':
      return 'budget';
    case 'STORAGE_FULL':
    case 'STORAGE_DENIED':
    case 'STORAGE_ERROR':
      return 'storage';
    default:
      return null;
  }
}

/** Whether another model may do what this one could not: it is down, or its quota or key is of no use now. */
export function isModelDown(code: string | null | undefined): boolean {
  return code === 'UNAVAILABLE' || code === 'TIMEOUT' || code === 'QUOTA_EXCEEDED' || code === 'AUTH';
}
