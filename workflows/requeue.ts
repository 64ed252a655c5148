import type { BatchState } from '../domain/batch.ts';
import { withSpentBefore } from '../domain/item-row.ts';
import type { ItemRef } from '../domain/item.ts';
import type { ItemOutcome, ResultRow } from '../domain/result.ts';
import { addResult } from '../domain/tally.ts';

/** Puts back an item that was not done. What it spent is spent, and kept for the row it is going to have. */
export function requeue(state: BatchState, ref: ItemRef, row: ItemOutcome): void {
  addResult(state.tally, { ...row, status: 'requeued' });
  state.requeued.push(ref);
  const whole = takeSpentBefore(state, row);
  if (whole.calls === 0) return;
  const { calls, input_tokens, output_tokens, images, video_seconds, cost_usd, processing_time_seconds, steps } = whole;
  const spent = {
    ...{ id: ref.id, calls, input_tokens, output_tokens, images, cost_usd, processing_time_seconds },
    ...(video_seconds === undefined ? {} : { video_seconds }),
    ...(steps === undefined ? {} : { steps }),
  };
  state.spentBefore = [...(state.spentBefore ?? []), spent];
}

/** The row of an item that has ended, with all that was spent on it since it was first started. */
export function takeSpentBefore<Row extends ItemOutcome | ResultRow>(state: BatchState, row: Row): Row {
  const before = state.spentBefore?.find(({ id }) => id === row.request_id);
  if (before === undefined) return row;
  state.spentBefore = state.spentBefore?.filter((one) => one !== before) ?? [];
  return withSpentBefore(row, before);
}
