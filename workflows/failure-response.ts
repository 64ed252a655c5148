import type { BatchInput, BatchState } from '../domain/batch.ts';
import { judge, recordOutcome } from '../domain/failure-policy.ts';
import { finishedOf } from './batch-state.ts';
import { addNotice, beginPause } from './pausing.ts';

/**
 * Does what the failure policy says about an item that has just ended: nothing, a notice, a pause, or the
 * end of the batch.
 *
 * @param remaining items not started yet
 */
export function respondToOutcome(state: BatchState, input: BatchInput, failed: boolean, remaining: number): void {
  const { failurePolicy, errorPolicy } = input.spec;
  state.window = recordOutcome(state.window, failed, failurePolicy);
  if (state.ending !== null) return;
  const verdict = judge(state.window, failurePolicy, {
    failed: state.failed - state.toleratedFrom.failed,
    finished: finishedOf(state) - state.toleratedFrom.finished,
    tolerated: state.limits.toleratedFailure,
    noticed: state.noticed,
    errorPolicy,
  });
  state.noticed = verdict.noticed;
  if (verdict.action === 'notice') addNotice(state, 'notice', verdict.message);
  if (verdict.action === 'pause') {
    const { kind, reason } = verdict;
    // With nothing left to start there is nothing to pause: the person is told all the same.
    if (remaining === 0) addNotice(state, 'escalation', reason);
    else beginPause(state, { kind, reason, action: 'Look at the failed items, then resume or cancel.' });
  }
  if (verdict.action === 'stop') {
    state.ending = 'stopped';
    addNotice(state, 'escalation', verdict.reason);
  }
}
