import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { OpenRunResult } from '../activities/types.ts';
import type { BatchInput, BatchState, RedriveSelector } from '../domain/batch.ts';
import type { ItemRef } from '../domain/item.ts';
import { finishedOf } from './batch-state.ts';
import { selectItems } from './core-activities.ts';

/**
 * Selects the items to run again and stages them under a prefix that no other run of the batch has. Within
 * a run only its own failures count: those of earlier runs were selected when it was opened, or left out.
 */
export function stageSelected(input: BatchInput, state: BatchState, selector: RedriveSelector): Promise<OpenRunResult> {
  state.redrives += 1;
  const stamp = new Date(Date.now()).toISOString().replace(/\D/g, '').slice(0, 17);
  const prefix = `input/redrive-${stamp}-${String(state.redrives)}`;
  const { batchId, storeUri, flow, input: segment } = input;
  return selectItems({ batchId, storeUri, input: segment, selector, flow, prefix, fromRow: state.firstRow });
}

/** Adds the selected items behind what is still to do. */
export function appendRedrive(state: BatchState, opened: OpenRunResult): void {
  state.failed -= opened.selectedFailed;
  // What an earlier run made may be counted as skipped.
  const skipped = Math.min(state.skipped, opened.selectedEarlier ?? 0);
  state.skipped -= skipped;
  state.succeeded -= opened.selectedSucceeded - skipped;
  addRemaking(state, opened);
  state.redriveOpen += opened.segment.total;
  if (opened.segment.total > 0) state.segments.push(opened.segment);
  // What failed before is given another chance; tolerated failure is counted from here.
  state.toleratedFrom = { failed: state.failed, finished: finishedOf(state) };
}

/** An item has ended: so has the redrive it came from, as far as it is concerned. */
export function redriveEnded(state: BatchState, ref: ItemRef): void {
  if (isRedriven(state, ref)) state.redriveOpen -= 1;
  if (state.remaking !== undefined) state.remaking = state.remaking.filter((id) => id !== ref.id);
}

function addRemaking(state: BatchState, { selectedIds = [] }: OpenRunResult): void {
  if (selectedIds.length > 0) state.remaking = [...(state.remaking ?? []), ...selectedIds];
}

/** Whether an item comes from a redrive in this run, and not from the items the run began with. */
function isRedriven(state: BatchState, ref: ItemRef): boolean {
  const [first] = state.segments;
  return first !== undefined && !ref.part.startsWith(`${first.prefix}/part-`);
}

/** Goes on from what the closed runs of the batch left. */
export function takeOver(state: BatchState, opened: OpenRunResult, countAsSkipped: boolean): void {
  state.segments = [opened.segment];
  state.nextPart = opened.nextPart;
  state.flushedRows = opened.rows;
  state.firstRow = opened.rows;
  state.succeeded = opened.succeeded - opened.selectedSucceeded;
  state.failed = opened.failed - opened.selectedFailed;
  state.cancelled = opened.cancelled - opened.selectedCancelled;
  if (countAsSkipped) {
    state.skipped = state.succeeded;
    state.succeeded = 0;
  } else {
    state.tally = opened.tally;
  }
  addRemaking(state, opened);
  state.toleratedFrom = { failed: state.failed, finished: finishedOf(state) };
}

/** What an activity failed with, as an update's answer has it: by its own code. */
export function refusalOf(error: unknown): unknown {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure)) return error;
  return ApplicationFailure.nonRetryable(cause.message, cause.type ?? 'INTERNAL');
}
