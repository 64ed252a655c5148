import { setTimeout as delay } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import { shortageReason, type Shortage } from '../domain/budgets.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Ledger, Reservation } from '../storage/ledger/ledger.ts';
import type { StepInput } from './types.ts';

/** How often a call that calls under way may leave enough for looks whether they have, milliseconds. */
const lookMs = 250;

/**
 * Keeps what a call is expected to cost, so that no budget is exceeded by more than calls under way cost
 * beyond what was expected of them. Null: the budget may cover it in a while, once those have ended.
 *
 * @param number of the call within this attempt
 * @throws SluiceError BATCH_BUDGET_REACHED, BUDGET_REACHED, DAY_BUDGET_REACHED
 */
export function reserveMoney(
  ledger: Ledger,
  { batchId, mode, project = 'default', model, ref, budgetUsd, limitsRevision }: StepInput,
  expectedUsd: number,
  number: number,
): Reservation | null {
  const account = { mode, project, batch: batchId, model: model?.key ?? ref.model };
  const budget = budgetUsd === undefined ? undefined : { usd: budgetUsd, revision: limitsRevision };
  const verdict = ledger.reserve(callId(number), account, expectedUsd, budget);
  if (verdict.verdict === 'go') return verdict.reservation;
  if (verdict.verdict === 'stop') throw budgetReached(verdict.shortage);
  return null;
}

/** Waits a little for calls under way to end. Throws the signal's reason. */
export async function waitForMoney(signal: AbortSignal): Promise<void> {
  await delay(lookMs, undefined, { signal }).catch(() => {
    signal.throwIfAborted();
  });
}

function budgetReached(shortage: Shortage): SluiceError {
  const { batch, period } = shortage;
  const ofMany = period === 'day' ? 'DAY_BUDGET_REACHED' : 'BUDGET_REACHED';
  return new SluiceError(batch === undefined ? ofMany : 'BATCH_BUDGET_REACHED', shortageReason(shortage));
}

/** Of one call over all batches, runs and attempts: of a call that is told twice only one counts. */
function callId(number: number): string {
  const { workflowExecution, activityId, attempt } = activityInfo();
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  return [workflowId, runId, activityId, String(attempt), String(number)].join('/');
}
