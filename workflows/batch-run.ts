import { ApplicationFailure, condition, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { OpenRunResult } from '../activities/types.ts';
import type {
  BatchCounts,
  BatchInput,
  BatchProgress,
  BatchState,
  BatchStatus,
  BatchSummary,
  InFlightItem,
  Notice,
  Pause,
  RedriveSelector,
} from '../domain/batch.ts';
import type { Limits } from '../domain/batch-spec.ts';
import { errorCatalog } from '../domain/errors.ts';
import { createFailureWindow, judge, recordOutcome } from '../domain/failure-policy.ts';
import { addResult, totalCostUsd } from '../domain/tally.ts';
import { Children } from './children.ts';
import { renderDetails } from './details.ts';
import { environmentFailure, isRedriven, rowOfEnd, type ItemEnd } from './item-end.ts';
import { applyLimits, selectItems, writeSummary } from './core-activities.ts';
import { ItemSource } from './item-source.ts';
import { ResultBuffer } from './result-buffer.ts';
import { countsOf, finishedOf, freshState, progressOf, summaryOf } from './batch-state.ts';
import { stateAttribute } from './search-attributes.ts';

type Outcome = { kind: 'finished'; summary: BatchSummary } | { kind: 'continue' };

/** One run of a batch: its state, and the loop that moves it. */
export class BatchRun {
  private readonly input: BatchInput;
  private readonly state: BatchState;
  private readonly children: Children;
  private source: ItemSource;
  private readonly results: ResultBuffer;
  private changed = true;
  private redriving = false;
  private closed = false;
  private shownState: string | null = null;

  constructor(input: BatchInput) {
    this.input = input;
    this.state = input.carried ?? freshState(input, Date.now());
    this.children = new Children(input.batchId, (item, end) => {
      this.itemEnded(item, end);
    });
    this.source = this.openSource();
    this.results = new ResultBuffer({
      state: this.state,
      describe: () => ({
        batchId: input.batchId,
        storeUri: input.storeUri,
        status: this.status,
        finished: this.finished + this.state.skipped,
        total: input.input.total,
      }),
      onChange: this.wake,
      onError: (error) => {
        this.storageFailed('Results cannot be written', error);
      },
    });
  }

  get limits(): Limits {
    return this.state.limits;
  }

  /** Moves the batch until it is done or `full` says that this run's history is. */
  async run(full: () => boolean): Promise<Outcome> {
    for (const item of this.state.inFlight) this.children.attach(item);
    this.state.inFlight = [];
    if (this.input.reopen !== undefined && this.input.carried === undefined) await this.reopen(this.input.reopen);
    for (;;) {
      this.changed = false;
      if (this.state.pause?.kind !== 'storage') this.results.writeIfDue();
      this.fillWindow();
      this.show();
      if (full()) {
        await this.handOver();
        return { kind: 'continue' };
      }
      if (this.isDone() && (await this.results.flush()) && (await this.finish())) {
        this.closed = true;
        return { kind: 'finished', summary: this.summary() };
      }
      await condition(() => this.changed);
    }
  }

  /** Input of the next run, once `handOver` is done. */
  nextInput(): BatchInput {
    return { ...this.input, carried: { ...this.state, inFlight: this.children.list() } };
  }

  pause(pause: Omit<Pause, 'since'>): void {
    const { state } = this;
    const storage = pause.kind === 'storage';
    // Storage that fails stops everything, also a batch that is paused or ending: its results must be written.
    if (storage ? state.pause?.kind === 'storage' : state.pause !== null || state.ending !== null) return;
    this.state.pause = { ...pause, since: isoNow() };
    if (pause.kind !== 'user') this.notice('escalation', pause.reason);
    this.wake();
  }

  resume(): void {
    if (this.state.pause === null) return;
    this.state.pause = null;
    // The failures that led to the pause must not lead to the next one.
    this.state.window = createFailureWindow();
    this.state.toleratedFrom = { finished: this.finished, failed: this.state.failed };
    this.wake();
  }

  cancel(): void {
    if (this.state.ending !== null) return;
    this.state.ending = 'cancelled';
    this.state.pause = null;
    this.children.cancelAll();
    this.wake();
  }

  async setLimits(limits: Limits): Promise<Limits> {
    const { ratePerMinute } = this.state.limits;
    this.state.limits = limits;
    this.state.limitsRevision += 1;
    this.wake();
    if (limits.ratePerMinute !== ratePerMinute) {
      await applyLimits({ batchId: this.input.batchId, ratePerMinute: limits.ratePerMinute });
    }
    return limits;
  }

  /** Stages the selected failed items as a further segment behind what is still to do. */
  async redrive(selector: RedriveSelector): Promise<{ items: number }> {
    this.redriving = true;
    try {
      if (!(await this.results.flush())) {
        throw ApplicationFailure.nonRetryable('Results cannot be written, so none can be selected.', 'STORAGE_ERROR');
      }
      const opened = await this.openRun({ ...selector, select: 'failed' });
      this.state.failed -= opened.selectedFailed;
      this.state.redriveOpen += opened.segment.total;
      if (opened.segment.total > 0) this.state.segments.push(opened.segment);
      return { items: opened.segment.total };
    } finally {
      this.redriving = false;
      this.wake();
    }
  }

  /** Why no redrive can be taken now, or null. */
  redriveProblem(): string | null {
    if (this.closed || this.state.ending !== null) return 'The batch is ending; retry its items when it has closed.';
    if (this.redriving || this.state.redriveOpen > 0) return 'An earlier retry is still under way; wait for it to end.';
    return null;
  }

  progress(after?: number): BatchProgress {
    return progressOf(this.input, this.state, this.status, this.children.list(), after);
  }

  private readonly wake = (): void => {
    this.changed = true;
  };

  private get status(): BatchStatus {
    const { state } = this;
    if (state.pause !== null) return 'paused';
    if (!this.isDone()) return 'running';
    if (state.ending === 'cancelled') return 'cancelled';
    return state.failed > 0 || state.ending === 'stopped' || state.cancelled > 0 ? 'failed' : 'succeeded';
  }

  private get finished(): number {
    return finishedOf(this.state);
  }

  /** Nothing runs and nothing is left to start; a pause then has nothing to hold back, unless storage fails. */
  private isDone(): boolean {
    const nothingLeft = this.state.ending !== null || this.source.remaining === 0;
    return this.children.count === 0 && nothingLeft && !this.redriving && this.state.pause?.kind !== 'storage';
  }

  private fillWindow(): void {
    const { state } = this;
    if (state.pause !== null || state.ending !== null) return;
    this.source.prefetch();
    while (this.children.count < state.limits.concurrency) {
      const next = this.source.peek();
      if (next === undefined) return;
      if (!this.affordable(next.estimateUsd)) return;
      this.source.take();
      this.children.start({
        batchId: this.input.batchId,
        storeUri: this.input.storeUri,
        mode: this.input.mode,
        flow: this.input.flow,
        ref: next,
        retry: this.input.spec.retry,
        timeoutMs: this.input.spec.timeoutMs,
        ratePerMinute: state.limits.ratePerMinute,
        limitsRevision: state.limitsRevision,
      });
      this.source.prefetch();
    }
  }

  /** Whether the budget covers one more item besides those in flight; pauses once none of them can change that. */
  private affordable(estimateUsd: number): boolean {
    const { budgetUsd } = this.state.limits;
    if (budgetUsd === null) return true;
    const reserved = this.children.list().reduce((sum, item) => sum + item.ref.estimateUsd, 0);
    const spent = totalCostUsd(this.state.tally);
    if (spent + reserved + estimateUsd <= budgetUsd + 1e-9) return true;
    if (this.children.count === 0) {
      this.pause({
        kind: 'budget',
        reason: `Budget reached: ${spent.toFixed(4)} of ${budgetUsd.toFixed(2)} USD spent, the next item costs about ${estimateUsd.toFixed(4)}`,
        action: 'Raise the budget (setLimits, or sluice batch resume --budget USD), or cancel the batch.',
      });
    }
    return false;
  }

  private itemEnded(item: InFlightItem, end: ItemEnd): void {
    const { state } = this;
    const row = rowOfEnd(end, item, Date.now());
    const surroundings = environmentFailure(row);
    if (surroundings !== null && state.ending === null) {
      addResult(state.tally, { ...row, status: 'requeued' });
      state.requeued.push(item.ref);
      this.pause({
        kind: surroundings,
        reason: row.error_message ?? row.error_code ?? 'The surroundings of the batch failed',
        action: row.error_code === null ? '' : errorCatalog[row.error_code].action,
      });
    } else {
      addResult(state.tally, row);
      state[row.status] += 1;
      if (isRedriven(item.ref)) state.redriveOpen -= 1;
      this.results.add(row);
      if (row.status !== 'cancelled') this.applyPolicy(row.status === 'failed');
    }
    this.wake();
  }

  private applyPolicy(failed: boolean): void {
    const { state, input } = this;
    state.window = recordOutcome(state.window, failed, input.spec.failurePolicy);
    if (state.ending !== null) return;
    const verdict = judge(state.window, input.spec.failurePolicy, {
      failed: state.failed - state.toleratedFrom.failed,
      finished: this.finished - state.toleratedFrom.finished,
      tolerated: state.limits.toleratedFailure,
      noticed: state.noticed,
      errorPolicy: input.spec.errorPolicy,
    });
    state.noticed = verdict.noticed;
    if (verdict.action === 'notice') this.notice('notice', verdict.message);
    if (verdict.action === 'pause') {
      const action = 'Look at the failed items, then resume or cancel.';
      // With nothing left to start there is nothing to pause: the person is told all the same.
      if (this.source.remaining === 0) this.notice('escalation', verdict.reason);
      else this.pause({ kind: verdict.kind, reason: verdict.reason, action });
    }
    if (verdict.action === 'stop') {
      state.ending = 'stopped';
      this.notice('escalation', verdict.reason);
    }
  }

  private storageFailed(what: string, error: unknown): void {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    this.pause({
      kind: 'storage',
      reason: `${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
      action: 'Mend the storage, then resume the batch.',
    });
  }

  private notice(level: Notice['level'], message: string): void {
    this.state.notices = [...this.state.notices, { at: isoNow(), level, message }].slice(-20);
  }

  private async reopen(reopen: NonNullable<BatchInput['reopen']>): Promise<void> {
    const { state } = this;
    const opened = await this.openRunOrPause(reopen.selector);
    if (opened === null) return;
    state.segments = [opened.segment];
    state.nextPart = opened.nextPart;
    state.flushedRows = opened.rows;
    state.succeeded = opened.succeeded - opened.selectedSucceeded;
    state.failed = opened.failed - opened.selectedFailed;
    state.cancelled = opened.cancelled - opened.selectedCancelled;
    if (reopen.countAsSkipped) {
      state.skipped = state.succeeded;
      state.succeeded = 0;
    } else {
      state.tally = opened.tally;
    }
    state.toleratedFrom = { failed: state.failed, finished: this.finished };
    this.source = this.openSource();
  }

  /** Tries until storage lets it; null when the batch was cancelled meanwhile. */
  private async openRunOrPause(selector: RedriveSelector): Promise<OpenRunResult | null> {
    for (;;) {
      try {
        return await this.openRun(selector);
      } catch (error) {
        this.storageFailed('Earlier results cannot be read', error);
        this.show();
        await condition(() => this.state.pause === null);
        if (this.state.ending !== null) return null;
      }
    }
  }

  private openRun(selector: RedriveSelector): Promise<OpenRunResult> {
    const { state, input } = this;
    state.redrives += 1;
    const prefix = `input/redrive-${isoNow().replace(/\D/g, '').slice(0, 17)}-${String(state.redrives)}`;
    return selectItems({ batchId: input.batchId, storeUri: input.storeUri, input: input.input, selector, prefix });
  }

  private openSource(): ItemSource {
    return new ItemSource({
      state: this.state,
      storeUri: this.input.storeUri,
      onChange: this.wake,
      onError: (error) => {
        this.storageFailed('Items cannot be read', error);
      },
    });
  }

  /** Brings the run to a point where the next one can take over: nothing of it is half done. */
  private async handOver(): Promise<void> {
    await this.children.allStarted();
    await this.source.settle();
    await this.results.settle();
  }

  private async finish(): Promise<boolean> {
    try {
      await writeSummary({ summary: this.summary(), input: this.input.input, limits: this.state.limits, tally: this.state.tally });
    } catch (error) {
      this.storageFailed('The report cannot be written', error);
      return false;
    }
    // A redrive may have come while the files were written.
    return this.isDone() && this.state.buffer.length === 0;
  }

  private counts(): BatchCounts {
    return countsOf(this.input, this.state, this.children.count);
  }

  private summary(): BatchSummary {
    return summaryOf(this.input, this.state, this.status, Date.now());
  }

  private show(): void {
    setCurrentDetails(
      renderDetails(this.input, this.state, this.status, this.counts(), totalCostUsd(this.state.tally)),
    );
    if (this.shownState === this.status) return;
    this.shownState = this.status;
    upsertSearchAttributes([{ key: stateAttribute, value: this.status }]);
  }
}

function isoNow(): string {
  return new Date(Date.now()).toISOString();
}
