import { SluiceError } from '../domain/errors.ts';
import { itemTimeoutMessage } from '../domain/item-timeout.ts';
import type { AttemptLog } from './attempt-log.ts';
import type { StepInput } from './types.ts';

interface Working {
  input: StepInput;
  log: AttemptLog;
}

/** Too short for any call, milliseconds; timers end a little early, too. */
const leastCallMs = 50;

/** Left of the item's time now, milliseconds: a step works from its first turn on. */
function leftMs({ input, log }: Working): number {
  const nowMs = Date.now();
  return (input.leftMs ?? Infinity) - (nowMs - (log.firstTurnAtMs ?? nowMs));
}

/** What the item fails with when it has no time left. */
export function overdue(working: Working): SluiceError | null {
  if (leftMs(working) > leastCallMs) return null;
  return new SluiceError('ITEM_TIMEOUT', itemTimeoutMessage(working.input.itemTimeoutMs ?? 0));
}

/**
 * Longest the next call may take, milliseconds: what a call may, or what the item has left.
 *
 * @throws SluiceError ITEM_TIMEOUT when it has nothing left
 */
export function callTimeoutMs(working: Working): number {
  const error = overdue(working);
  if (error !== null) throw error;
  return Math.min(working.input.timeoutMs, leftMs(working));
}
