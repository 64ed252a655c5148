import type { Limits, LimitsChange } from './batch-spec.ts';

/**
 * Checks a change of limits without zod, because it runs inside the workflow, where anybody may send
 * anything from the Web UI. Returns what is wrong, naming field and rule, or null.
 */
export function limitsChangeProblem(change: unknown): string | null {
  if (typeof change !== 'object' || change === null) return 'limits: must be an object';
  for (const [field, value] of Object.entries(change)) {
    const problem = fieldProblem(field, value);
    if (problem !== null) return `${field}: ${problem}`;
  }
  return Object.keys(change).length === 0 ? 'limits: nothing to change' : null;
}

function fieldProblem(field: string, value: unknown): string | null {
  switch (field) {
    case 'concurrency':
      return isInteger(value, 1, 50) ? null : 'must be a whole number from 1 to 50';
    case 'ratePerMinute':
      return value === null || isInteger(value, 1, 300) ? null : 'must be a whole number from 1 to 300, or null';
    case 'budgetUsd':
      return value === null || isNumber(value, 0, Infinity) ? null : 'must be 0 or more, or null';
    case 'toleratedFailure':
      return toleratedProblem(value);
    default:
      return 'is not a limit (concurrency, ratePerMinute, budgetUsd, toleratedFailure are)';
  }
}

function toleratedProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return 'must be an object with count, percent, minSample';
  const { count = null, percent = null, minSample = 10, ...others } = value as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `${unknown} is not part of it (count, percent, minSample are)`;
  if (count !== null && !isInteger(count, 0, Infinity)) return 'count must be a whole number, 0 or more, or null';
  if (percent !== null && !isNumber(percent, 0, 100)) return 'percent must be from 0 to 100, or null';
  return isInteger(minSample, 1, Infinity) ? null : 'minSample must be a whole number, 1 or more';
}

export function applyLimitsChange(limits: Limits, change: LimitsChange): Limits {
  return {
    concurrency: change.concurrency ?? limits.concurrency,
    ratePerMinute: change.ratePerMinute === undefined ? limits.ratePerMinute : change.ratePerMinute,
    budgetUsd: change.budgetUsd === undefined ? limits.budgetUsd : change.budgetUsd,
    toleratedFailure: { ...limits.toleratedFailure, ...change.toleratedFailure },
  };
}

function isNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && value >= min && value <= max;
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return isNumber(value, min, max) && Number.isInteger(value);
}
