import type { OpenRunResult } from '../activities/types.ts';
import type { BatchInput, BatchState, RedriveSelector } from '../domain/batch.ts';
import { finishedOf } from './batch-state.ts';
import { selectItems } from './core-activities.ts';

/** Selects the items to run again and stages them under a prefix that no other run of the batch has. */
export function stageSelected(input: BatchInput, state: BatchState, selector: RedriveSelector): Promise<OpenRunResult> {
  state.redrives += 1;
  const stamp = new Date(Date.now()).toISOString().replace(/\D/g, '').slice(0, 17);
  const prefix = `input/redrive-${stamp}-${String(state.redrives)}`;
  return selectItems({ batchId: input.batchId, storeUri: input.storeUri, input: input.input, selector, prefix });
}

/** Goes on from what the closed runs of the batch left. */
export function takeOver(state: BatchState, opened: OpenRunResult, countAsSkipped: boolean): void {
  state.segments = [opened.segment];
  state.nextPart = opened.nextPart;
  state.flushedRows = opened.rows;
  state.succeeded = opened.succeeded - opened.selectedSucceeded;
  state.failed = opened.failed - opened.selectedFailed;
  state.cancelled = opened.cancelled - opened.selectedCancelled;
  if (countAsSkipped) {
    state.skipped = state.succeeded;
    state.succeeded = 0;
  } else {
    state.tally = opened.tally;
  }
  state.toleratedFrom = { failed: state.failed, finished: finishedOf(state) };
}
