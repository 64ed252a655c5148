import type {
  BatchCounts,
  BatchInput,
  BatchProgress,
  BatchState,
  BatchStatus,
  BatchSummary,
  InFlightItem,
} from '../domain/batch.ts';
import { createFailureWindow } from '../domain/failure-policy.ts';
import { emptyTally, totalCostUsd } from '../domain/tally.ts';

/** State of a batch that has not begun. */
export function freshState(input: BatchInput, nowMs: number): BatchState {
  return {
    startedAtMs: nowMs,
    segments: input.reopen === undefined ? [input.input] : [],
    segmentIndex: 0,
    cursor: 0,
    inFlight: [],
    requeued: [],
    tally: emptyTally(),
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    skipped: 0,
    window: createFailureWindow(),
    noticed: false,
    toleratedFrom: { failed: 0, finished: 0 },
    pause: null,
    notices: [],
    limits: input.spec.limits,
    // Later than that of any earlier run of the batch.
    limitsRevision: nowMs,
    buffer: [],
    nextPart: 0,
    flushedRows: 0,
    firstRow: 0,
    redrives: 0,
    redriveOpen: 0,
    ending: null,
  };
}

export function finishedOf(state: BatchState): number {
  return state.succeeded + state.failed + state.cancelled;
}

/**
 * How many items are in which state.
 *
 * @param started items whose child is started: of those that wait for no person the ones above the concurrency wait for their turn
 * @param ended whether nothing more is started: what is not done then counts as cancelled, also what this
 * run did not select
 */
export function countsOf(
  input: BatchInput,
  state: BatchState,
  started: readonly InFlightItem[],
  ended: boolean = state.ending !== null,
): BatchCounts {
  const waiting = started.filter((item) => item.waiting === true).length;
  const running = Math.min(started.length - waiting, state.limits.concurrency);
  const unfinished = Math.max(0, input.input.total - state.skipped - finishedOf(state) - running - waiting);
  return {
    total: input.input.total,
    succeeded: state.succeeded,
    failed: state.failed,
    skipped: state.skipped,
    rejected: input.rejected,
    cancelled: state.cancelled + (ended ? unfinished : 0),
    running,
    waiting,
    pending: ended ? 0 : unfinished,
  };
}

/** How a batch with nothing left to do has ended. */
export function endedStatusOf(input: BatchInput, state: BatchState): BatchStatus {
  if (state.ending === 'cancelled') return 'cancelled';
  const { failed, cancelled } = countsOf(input, state, [], true);
  return failed > 0 || cancelled > 0 || state.ending === 'stopped' ? 'failed' : 'succeeded';
}

export function summaryOf(input: BatchInput, state: BatchState, status: BatchStatus, nowMs: number): BatchSummary {
  return {
    batchId: input.batchId,
    flow: input.flow.name,
    storeUri: input.storeUri,
    mode: input.mode,
    status,
    counts: countsOf(input, state, [], true),
    costUsd: totalCostUsd(state.tally),
    startedAt: new Date(state.startedAtMs).toISOString(),
    finishedAt: new Date(nowMs).toISOString(),
    durationSeconds: (nowMs - state.startedAtMs) / 1000,
    notices: state.notices,
    rows: state.flushedRows,
  };
}

export function progressOf(
  input: BatchInput,
  state: BatchState,
  status: BatchStatus,
  started: InFlightItem[],
  after: number | undefined,
): BatchProgress {
  const working = started.filter(({ waiting }) => waiting !== true);
  const from = after === undefined ? state.buffer.length : Math.max(0, after - state.flushedRows);
  return {
    batchId: input.batchId,
    flow: input.flow.name,
    storeUri: input.storeUri,
    mode: input.mode,
    status,
    counts: countsOf(input, state, started),
    costUsd: totalCostUsd(state.tally),
    startedAtMs: state.startedAtMs,
    pause: state.pause,
    notices: state.notices,
    limits: state.limits,
    window: state.window,
    running: working.slice(0, state.limits.concurrency).map(({ ref, startedAtMs }) => ({
      itemId: ref.id,
      label: ref.label,
      model: ref.model,
      seed: ref.seed,
      startedAtMs,
    })),
    recent: state.buffer.slice(from),
    recentFrom: state.flushedRows + from,
  };
}
