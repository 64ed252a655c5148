import { log, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { BatchCounts, BatchInput, BatchState, BatchStatus } from '../domain/batch.ts';
import { totalCostUsd } from '../domain/tally.ts';
import { renderDetails } from './details.ts';
import { PauseTimer } from './pause-timer.ts';
import { stateAttribute } from './search-attributes.ts';

/** What Temporal's Web UI shows of a batch: its state, by which it is found, details, and a pause on the timeline. */
export class BatchView {
  private readonly input: BatchInput;
  private readonly pauseTimer: PauseTimer;
  private shownState: string | null = null;

  /** @param onPauseOver a pause that ends by itself is over */
  constructor(input: BatchInput, onPauseOver: () => void) {
    this.input = input;
    this.pauseTimer = new PauseTimer(onPauseOver);
  }

  show(state: BatchState, status: BatchStatus, counts: BatchCounts): void {
    this.pauseTimer.show(state.pause);
    setCurrentDetails(renderDetails(this.input, state, status, counts, totalCostUsd(state.tally)));
    if (this.shownState === status) return;
    this.shownState = status;
    upsertSearchAttributes([{ key: stateAttribute, value: status }]);
    const { total, succeeded, failed } = counts;
    const why = state.pause === null ? {} : { reason: state.pause.reason };
    log[status === 'paused' ? 'warn' : 'info'](`batch ${status}`, { total, succeeded, failed, ...why });
  }
}
