import type { BatchSpec } from '../domain/batch-spec.ts';
import type { BatchState, Notice, Pause } from '../domain/batch.ts';
import { errorCatalog } from '../domain/errors.ts';
import type { ItemOutcome } from '../domain/result.ts';
import type { surroundingsOf } from '../domain/surroundings.ts';
import { nextUtcDayMs } from '../domain/utc-day.ts';
import { createFailureWindow } from '../domain/failure-policy.ts';
import { finishedOf } from './batch-state.ts';

/** A pause that is to begin now. */
export type PauseReason = Omit<Pause, 'since'>;

/** Pauses the batch if it is one that this reason can stop; says whether it did. */
export function beginPause(state: BatchState, reason: PauseReason): boolean {
  const storage = reason.kind === 'storage';
  // Storage that fails stops everything, also a batch that is paused or ending: its results must be written.
  if (storage ? state.pause?.kind === 'storage' : state.pause !== null || state.ending !== null) return false;
  state.pause = { ...reason, since: isoNow() };
  if (reason.kind !== 'user') addNotice(state, 'escalation', reason.reason);
  return true;
}

/** Ends a pause of whatever reason; says whether there was one. */
export function endPause(state: BatchState): boolean {
  if (state.pause === null) return false;
  state.pause = null;
  // The failures that led to the pause must not lead to the next one.
  state.window = createFailureWindow();
  state.toleratedFrom = { finished: finishedOf(state), failed: state.failed };
  return true;
}

/** Keeps the last 20, because they are carried from run to run. */
export function addNotice(state: BatchState, level: Notice['level'], message: string): void {
  state.notices = [...state.notices, { at: isoNow(), level, message }].slice(-20);
}

/**
 * Because of a failure that says nothing of the item that met it. One at a budget of the day ends by itself
 * where the batch is to go on by itself.
 */
export function surroundingsPause(
  kind: NonNullable<ReturnType<typeof surroundingsOf>>,
  { error_code: code, error_message: message }: Pick<ItemOutcome, 'error_code' | 'error_message'>,
  { resumeNextDay }: Pick<BatchSpec, 'resumeNextDay'>,
): PauseReason {
  const dayOver = new Date(nextUtcDayMs(Date.now()) + dayMarginMs).toISOString();
  return {
    kind,
    reason: message ?? code ?? 'The surroundings of the batch failed',
    action: code === null ? '' : errorCatalog[code].action,
    ...(resumeNextDay === true && code === 'DAY_BUDGET_REACHED' ? { until: dayOver } : {}),
  };
}

/** So that the clock of the worker that asks the ledger has passed midnight, too. */
const dayMarginMs = 2_000;

/** @param what that failed, e.g. `Results cannot be written` */
export function storagePause(what: string, error: unknown): PauseReason {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return {
    kind: 'storage',
    reason: `${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
    action: 'Mend the storage, then resume the batch.',
  };
}

function isoNow(): string {
  return new Date(Date.now()).toISOString();
}
