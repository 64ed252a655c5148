import type { BatchState } from '../domain/batch.ts';
import { applyLimits } from './core-activities.ts';
import { addNotice } from './pausing.ts';

/**
 * Makes the items that wait for their turn give it up when the batch pauses or ends, so that no call
 * begins any more. They are started again, with a newer revision, when it goes on.
 */
export class HoldBack {
  private holding = false;
  private pending: Promise<void> = Promise.resolve();

  private readonly batchId: string;
  private readonly state: BatchState;

  constructor(batchId: string, state: BatchState) {
    this.batchId = batchId;
    this.state = state;
  }

  /** Does what the batch's state asks for, once for each pause. */
  follow(): void {
    const { state } = this;
    const stopped = state.pause !== null || state.ending !== null;
    if (stopped && !this.holding) {
      this.pending = applyLimits(this.batchId, state, true).catch((error: unknown) => {
        addNotice(state, 'notice', `Items that wait for their turn could not be held back: ${String(error)}`);
      });
      state.limitsRevision += 1;
    }
    this.holding = stopped;
  }

  /** Resolves when no such order is under way. */
  settle(): Promise<void> {
    return this.pending;
  }
}
