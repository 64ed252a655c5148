import { ApplicationFailure, condition } from '@temporalio/workflow';
import type {
  BatchInput,
  BatchProgress,
  BatchState,
  BatchStatus,
  BatchSummary,
  InFlightItem,
  RedriveSelector,
} from '../domain/batch.ts';
import type { Limits } from '../domain/batch-spec.ts';
import { surroundingsOf } from '../domain/surroundings.ts';
import { addResult } from '../domain/tally.ts';
import { windowSize } from '../domain/window.ts';
import { BatchView } from './batch-view.ts';
import { judgeBudget } from './budget.ts';
import { Children } from './children.ts';
import { itemInputOf } from './item-input.ts';
import { rowOfEnd, type ItemEnd } from './item-end.ts';
import { applyLimits, concernsItems, writeSummary } from './core-activities.ts';
import { respondToOutcome } from './failure-response.ts';
import { EventOutbox } from './event-outbox.ts';
import { HoldBack } from './hold-back.ts';
import { ItemSource } from './item-source.ts';
import { beginPause, endPause, storagePause, surroundingsPause, type PauseReason } from './pausing.ts';
import { redriveProblemOf, selectorWithin } from './redrive-rules.ts';
import { appendRedrive, redriveEnded, refusalOf, stageSelected, takeOver } from './reopening.ts';
import { requeue, takeSpentBefore } from './requeue.ts';
import { ResultBuffer } from './result-buffer.ts';
import { countsOf, finishedOf, freshState, progressOf, summaryOf, endedStatusOf } from './batch-state.ts';

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
  private readonly holdBack: HoldBack;
  private readonly outbox: EventOutbox;
  private readonly view: BatchView;

  constructor(input: BatchInput) {
    this.input = input;
    this.state = input.carried ?? freshState(input, Date.now());
    this.children = new Children(input.batchId, (item, end) => {
      this.itemEnded(item, end);
    });
    this.holdBack = new HoldBack(input.batchId, this.state);
    this.outbox = new EventOutbox(input, this.state);
    this.view = new BatchView(input, () => {
      this.resume();
    });
    this.source = this.openSource();
    this.results = new ResultBuffer({
      state: this.state,
      describe: () => ({
        batchId: input.batchId,
        storeUri: input.storeUri,
        flow: input.flow.name,
        status: this.status,
        finished: finishedOf(this.state) + this.state.skipped,
        total: input.input.total,
      }),
      onChange: this.wake,
      onError: (error) => {
        this.pause(storagePause('Results cannot be written', error));
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
    if (this.state.ending === 'cancelled') this.children.cancelAll();
    if (this.input.reopen !== undefined && this.input.carried === undefined) await this.reopen(this.input.reopen);
    for (;;) {
      this.changed = false;
      if (this.state.pause?.kind !== 'storage') this.results.writeIfDue();
      this.holdBack.follow();
      this.outbox.follow(this.children.list());
      this.fillWindow();
      this.show();
      if (full()) {
        await this.handOver();
        return { kind: 'continue' };
      }
      if (this.isDone() && (await this.results.flush()) && (await this.finish())) {
        this.closed = true;
        return { kind: 'finished', summary: await this.outbox.close(this.summary()) };
      }
      await condition(() => this.changed);
    }
  }

  /** Input of the next run, once `handOver` is done. */
  nextInput(): BatchInput {
    return { ...this.input, carried: { ...this.state, inFlight: this.children.list() } };
  }

  /** An item says that it waits for a person, or does so no more. */
  itemWaits(itemId: string, waits: boolean): void {
    this.children.setWaiting(itemId, waits, this.state.inFlight);
    this.wake();
  }

  pause(reason: PauseReason): void {
    if (beginPause(this.state, reason)) this.wake();
  }

  resume(): void {
    if (endPause(this.state)) this.wake();
  }

  cancel(): void {
    // When all is done and only the report is missing, there is nothing left to cancel.
    if (this.state.ending !== null || this.isDone()) return;
    this.state.ending = 'cancelled';
    this.state.pause = null;
    this.children.cancelAll();
    this.wake();
  }

  async setLimits(limits: Limits): Promise<Limits> {
    const before = this.state.limits;
    this.state.limits = limits;
    this.state.limitsRevision += 1;
    this.wake();
    if (concernsItems(before, limits)) await applyLimits(this.input.batchId, this.state);
    return limits;
  }

  /** Stages the selected items as a further segment behind what is still to do, one redrive after the other. */
  async redrive(selector?: RedriveSelector): Promise<{ items: number }> {
    while (this.redriving) await condition(() => !this.redriving);
    this.redriving = true;
    try {
      if (!(await this.results.flush())) {
        throw ApplicationFailure.nonRetryable('Results cannot be written, so none can be selected.', 'STORAGE_ERROR');
      }
      const opened = await stageSelected(this.input, this.state, selectorWithin(this.state, selector));
      appendRedrive(this.state, opened);
      return { items: opened.segment.total };
    } catch (error) {
      throw refusalOf(error);
    } finally {
      this.redriving = false;
      this.wake();
    }
  }

  /** Why no redrive can be taken now, or null. */
  redriveProblem(selector?: RedriveSelector): string | null {
    return redriveProblemOf(this.state, selector, { closed: this.closed, redriving: this.redriving });
  }

  progress(after?: number): BatchProgress {
    return progressOf(this.input, this.state, this.status, this.children.list(), after);
  }

  private readonly wake = (): void => {
    this.changed = true;
  };

  private get status(): BatchStatus {
    const { state } = this;
    if (!this.isDone()) return state.pause !== null ? 'paused' : this.waitsForPeople ? 'waiting' : 'running';
    return endedStatusOf(this.input, state);
  }

  /** Nothing runs and nothing is left to start; a pause then has nothing to hold back, unless storage fails. */
  private isDone(): boolean {
    const nothingLeft = this.state.ending !== null || this.source.remaining === 0;
    return this.children.count === 0 && nothingLeft && !this.redriving && this.state.pause?.kind !== 'storage';
  }

  /** Every item that is started waits, and no other can be started. */
  private get waitsForPeople(): boolean {
    if (!this.children.allWait || this.state.ending !== null || this.redriving) return false;
    return this.source.remaining === 0 || this.children.working >= this.windowSize;
  }

  private get windowSize(): number {
    return windowSize(this.state.limits, this.input.spec.errorPolicy, this.input.flow);
  }

  private fillWindow(): void {
    const { state } = this;
    if (state.pause !== null || state.ending !== null) return;
    this.source.prefetch();
    while (this.children.working < this.windowSize) {
      const next = this.source.peek();
      if (next === undefined) return;
      const verdict = judgeBudget(state, this.children.list(), next.estimateUsd);
      if (verdict !== 'go') {
        if (verdict !== 'wait') this.pause(verdict);
        return;
      }
      this.source.take();
      this.children.start(itemInputOf(this.input, state, next));
      this.source.prefetch();
    }
  }

  private itemEnded(item: InFlightItem, end: ItemEnd): void {
    const { state } = this;
    const row = rowOfEnd(end, item, Date.now(), state.ending === 'cancelled');
    const surroundings = row.status === 'failed' ? surroundingsOf(row.error_code) : null;
    if (row.status === 'requeued') {
      requeue(state, item.ref, row);
    } else if (surroundings !== null && state.ending === null) {
      requeue(state, item.ref, row);
      this.pause(surroundingsPause(surroundings, row, this.input.spec));
    } else {
      addResult(state.tally, row);
      state[row.status] += 1;
      redriveEnded(state, item.ref);
      this.results.add(takeSpentBefore(state, row));
      if (row.status !== 'cancelled') {
        respondToOutcome(state, this.input, row.status === 'failed', this.source.remaining);
      }
    }
    this.wake();
  }

  /** Tries until storage lets it, or the batch is cancelled meanwhile. */
  private async reopen({ selector, countAsSkipped }: NonNullable<BatchInput['reopen']>): Promise<void> {
    this.redriving = true;
    for (;;) {
      try {
        takeOver(this.state, await stageSelected(this.input, this.state, selector), countAsSkipped);
        this.source = this.openSource();
        break;
      } catch (error) {
        this.pause(storagePause('Earlier results cannot be read', error));
        this.show();
        await condition(() => this.state.pause === null);
        if (this.state.ending !== null) break;
      }
    }
    this.redriving = false;
  }

  private openSource(): ItemSource {
    return new ItemSource({
      state: this.state,
      storeUri: this.input.storeUri,
      onChange: this.wake,
      onError: (error) => {
        this.pause(storagePause('Items cannot be read', error));
      },
    });
  }

  /** Brings the run to a point where the next one can take over: nothing of it is half done. */
  private async handOver(): Promise<void> {
    await this.children.allStarted();
    await this.source.settle();
    await this.holdBack.settle();
    await this.outbox.settle();
    await this.results.settle();
  }

  private async finish(): Promise<boolean> {
    try {
      await writeSummary({
        summary: this.summary(),
        input: this.input.input,
        limits: this.state.limits,
        tally: this.state.tally,
      });
    } catch (error) {
      this.pause(storagePause('The report cannot be written', error));
      return false;
    }
    // A redrive may have come while the files were written.
    return this.isDone() && this.state.buffer.length === 0;
  }

  private summary(): BatchSummary {
    return summaryOf(this.input, this.state, this.status, Date.now());
  }

  private show(): void {
    this.view.show(this.state, this.status, countsOf(this.input, this.state, this.children.list()));
  }
}
