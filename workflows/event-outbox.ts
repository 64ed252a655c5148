import { CancellationScope, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { EventActivities } from '../activities/types.ts';
import type { BatchInput, BatchState, BatchSummary, InFlightItem, Notice, Told } from '../domain/batch.ts';
import type { EventEntry, SingleEvent } from '../domain/events.ts';
import { isRowEvent, type EventType } from '../domain/event-types.ts';
import { coreTaskQueue } from '../domain/ids.ts';
import { totalCostUsd } from '../domain/tally.ts';
import { countsOf } from './batch-state.ts';

/**
 * Tells the targets of a batch what becomes of it, by looking at its state after each change: what was told is
 * part of the state, so that a run that continues goes on where the one before was. Entries are handed to
 * `eventsWorkflow`, which delivers them; nothing here waits for a receiver. Without targets it does nothing at all.
 */
export class EventOutbox {
  private readonly input: BatchInput;
  private readonly state: BatchState;
  private readonly wantsItems: boolean;
  private handing: Promise<void> | null = null;
  private started: readonly InFlightItem[] = [];

  constructor(input: BatchInput, state: BatchState) {
    this.input = input;
    this.state = state;
    const targets = input.events?.targets ?? [];
    this.wantsItems = targets.some(({ events }) => events.some(isRowEvent));
  }

  /**
   * Notes what has changed since the last look, and hands it on.
   * @param started items whose child is started
   */
  follow(started: readonly InFlightItem[]): void {
    if (this.input.events === undefined) return;
    const { state } = this;
    this.started = started;
    const told = (state.told ??= this.begin());
    this.tellResults(told);
    for (const notice of noticesAfter(state.notices, told.notice)) {
      told.notice = notice;
      const { level, message } = notice;
      if (level !== 'info') this.tell(told, level === 'notice' ? 'batch.notice' : 'batch.escalated', { message });
    }
    this.tellWaiting(told);
    const since = state.pause?.since ?? null;
    if (since !== told.pausedSince) {
      told.pausedSince = since;
      if (state.pause === null) this.tell(told, 'batch.resumed', {});
      else this.tell(told, 'batch.paused', { ...state.pause });
    }
    if (told.waiting.length > 0) this.handing ??= this.hand(told, false);
  }

  /** Tells of the end, and returns when nothing is left to hand on. */
  async close(summary: BatchSummary): Promise<BatchSummary> {
    if (this.input.events === undefined) return summary;
    this.follow([]);
    const told = (this.state.told ??= this.begin());
    await this.handing;
    const { status, startedAt: started_at, finishedAt: finished_at, durationSeconds: duration_seconds } = summary;
    // The last one, and handed over as such.
    this.tell(told, 'batch.completed', { status, started_at, finished_at, duration_seconds, counts: summary.counts });
    await this.hand(told, true);
    return summary;
  }

  /** Waits for what is being handed on; the rest is carried. */
  async settle(): Promise<void> {
    await this.handing;
  }

  private begin(): Told {
    const { state } = this;
    const sender = workflowInfo().firstExecutionRunId;
    const told: Told = {
      sender,
      next: 0,
      waiting: [],
      pausedSince: null,
      notice: state.notices.at(-1) ?? null,
      asking: [],
      part: state.nextPart,
      rows: state.flushedRows,
    };
    const { input, rejected } = this.input;
    this.tell(told, 'batch.started', { items: input.total, rejected });
    return told;
  }

  private tellResults(told: Told): void {
    const { nextPart, flushedRows } = this.state;
    if (flushedRows === told.rows) return;
    if (this.wantsItems) {
      const rows = flushedRows - told.rows;
      this.add(told, { kind: 'rows', fromPart: told.part, toPart: nextPart, firstRow: told.rows, rows });
    }
    told.part = nextPart;
    told.rows = flushedRows;
  }

  private tellWaiting(told: Told): void {
    const waiting = this.started.filter((item) => item.waiting === true);
    for (const item of waiting) {
      const { id, label } = item.ref;
      if (!told.asking.includes(questionOf(item))) this.tell(told, 'item.waiting', { item_id: id, label }, id);
    }
    told.asking = waiting.map(questionOf);
  }

  private tell(told: Told, type: EventType, data: Record<string, unknown>, subject = this.input.batchId): void {
    const { batchId, storeUri, flow, mode, spec } = this.input;
    const event: SingleEvent = {
      kind: 'event',
      id: `${batchId}_${told.sender.slice(0, 8)}_${String(told.next)}`,
      type,
      subject,
      atMs: Date.now(),
      data: {
        batch_id: batchId,
        flow: flow.name,
        project: spec.project,
        mode,
        store: storeUri,
        cost_usd: totalCostUsd(this.state.tally),
        counts: countsOf(this.input, this.state, this.started),
        ...data,
      },
    };
    this.add(told, event);
  }

  private add(told: Told, entry: EventEntry): void {
    told.waiting.push(entry);
    told.next += 1;
  }

  /** Hands over what waits, and what comes meanwhile; an entry leaves the state only when it is handed over. */
  private async hand(told: Told, last: boolean): Promise<void> {
    const { batchId, storeUri, events } = this.input;
    try {
      while (told.waiting.length > 0) {
        const entries = told.waiting.slice(0, entriesPerParcel);
        const ends = last && entries.length === told.waiting.length;
        const first = told.next - told.waiting.length;
        await publisher(entries.length).publishEvents({
          batchId,
          storeUri,
          parcel: { targets: events?.targets ?? [], sender: told.sender, first, entries, last: ends },
        });
        told.waiting.splice(0, entries.length);
      }
    } finally {
      this.handing = null;
    }
  }
}

const entriesPerParcel = 50;

/** Only the engine itself is asked, so this is tried until it is done. */
function publisher(entries: number): EventActivities {
  const activities = proxyActivities<EventActivities>({
    taskQueue: coreTaskQueue,
    summary: `Hand over ${String(entries)} events`,
    startToCloseTimeout: '30 seconds',
    retry: { initialInterval: 200, maximumInterval: '10 seconds' },
  });
  return {
    ...activities,
    publishEvents: (input) => CancellationScope.nonCancellable(() => activities.publishEvents(input)),
  };
}

/** An item may have its answer and ask anew between two looks. */
function questionOf({ ref, asked = 1 }: InFlightItem): string {
  return asked === 1 ? ref.id : `${ref.id}/${String(asked)}`;
}

/** Those after the one that was told of; all, if that has been forgotten. */
function noticesAfter(notices: readonly Notice[], told: Notice | null): Notice[] {
  const place =
    told === null ? -1 : notices.findLastIndex((each) => each.at === told.at && each.message === told.message);
  return notices.slice(place + 1);
}
