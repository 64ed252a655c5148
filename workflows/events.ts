import { condition, continueAsNew, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { EventActivities } from '../activities/types.ts';
import { cursorOf, emptyQueue, prune, takeParcel, waitingFor, type EventQueue } from '../domain/event-queue.ts';
import { isRowEvent } from '../domain/event-types.ts';
import type { BatchEvents, EventEntry, EventTarget } from '../domain/events.ts';
import { coreTaskQueue } from '../domain/ids.ts';
import { deliverSignal } from './messages.ts';

/** Input of `eventsWorkflow`. */
export interface EventsInput extends BatchEvents {
  batchId: string;
  storeUri: string;
  /** Set by continue-as-new. */
  carried?: { queue: EventQueue; startedAtMs: number; counts: EventsResult };
  /** Events after which a run continues as new. @default 2000 */
  maxHistoryEvents?: number;
}

export interface EventsResult {
  delivered: number;
  failed: number;
  lastError: string | null;
}

/** Entries that one activity is given. */
const entriesPerCall = 50;

/**
 * Delivers the events of a batch: to each target in order, each target for itself, so that one that is down holds
 * up neither the batch nor the others. It is tried again by durable timers, for about a day; then the event is
 * given up, and the delivery log says so. Closes when the batch has told of its end and all is delivered or given up.
 *
 * History is bounded by continue-as-new at `maxHistoryEvents`. What is carried does not grow with the number of
 * items: results that follow each other are one entry, and their rows stay in storage.
 */
export async function eventsWorkflow(input: EventsInput): Promise<EventsResult> {
  const queue = input.carried?.queue ?? emptyQueue();
  let { targets } = input;
  const startedAtMs = input.carried?.startedAtMs ?? Date.now();
  const counts = input.carried?.counts ?? { delivered: 0, failed: 0, lastError: null };
  let full = false;

  setHandler(deliverSignal, (parcel) => {
    const known = targets;
    const added = parcel.targets.filter(({ name }) => !known.some((target) => target.name === name));
    // Served from the next run on.
    if (added.length > 0) full = true;
    targets = [...known.map((old) => parcel.targets.find(({ name }) => name === old.name) ?? old), ...added];
    takeParcel(queue, parcel);
  });

  const isFull = (): boolean => {
    const { historyLength, historySize } = workflowInfo();
    full ||= historyLength >= (input.maxHistoryEvents ?? 2_000) || historySize >= 4_000_000;
    return full;
  };
  const hasWork = (target: EventTarget): boolean => waitingFor(queue, target.name).length > 0;
  const isOver = (): boolean => queue.ended && !targets.some(hasWork);

  const serve = async ({ name }: EventTarget): Promise<void> => {
    for (;;) {
      const target = targets.find((each) => each.name === name);
      if (target === undefined) return;
      const cursor = cursorOf(queue, name);
      await condition(() => hasWork(target) || queue.ended || full);
      if (isFull()) return;
      if (!hasWork(target)) {
        if (isOver()) return;
        await condition(() => hasWork(target) || isOver() || full);
        continue;
      }
      const entries = waitingFor(queue, target.name).slice(0, entriesPerCall);
      if (entries.some((entry) => isWanted(entry, target))) {
        const delayMs = cursor.notBeforeMs - Date.now();
        if (delayMs > 0) {
          await condition(() => full, delayMs);
          continue;
        }
        cursor.calls += 1;
        const { batchId, storeUri } = input;
        const done = await deliverer(target, cursor.attempts).deliverEvents({
          batchId,
          storeUri,
          target,
          entries,
          row: cursor.row,
          attempt: cursor.attempts + 1,
          log: `${String(startedAtMs)}-${String(cursor.calls).padStart(6, '0')}`,
        });
        counts.delivered += done.delivered;
        counts.failed += done.failed;
        counts.lastError = done.error ?? counts.lastError;
        cursor.next += done.entries;
        cursor.row = done.row;
        cursor.attempts = done.retryInMs === null ? 0 : done.attempts;
        cursor.notBeforeMs = done.retryInMs === null ? 0 : Date.now() + done.retryInMs;
      } else {
        cursor.next += entries.length;
      }
      prune(queue);
    }
  };

  await Promise.all(targets.map(serve));
  if (isOver()) return counts;
  return continueAsNew<typeof eventsWorkflow>({ ...input, targets, carried: { queue, startedAtMs, counts } });
}

function isWanted(entry: EventEntry, { name, events }: EventTarget): boolean {
  if (entry.kind === 'rows') return events.some(isRowEvent);
  if (entry.only !== undefined) return entry.only.includes(name);
  return events.some((type) => type === entry.type);
}

/** What a receiver does is an answer, not a failure of the activity: that one is tried again only when a worker died. */
function deliverer({ name }: EventTarget, attempts: number): EventActivities {
  return proxyActivities<EventActivities>({
    taskQueue: coreTaskQueue,
    summary: attempts === 0 ? `Deliver to ${name}` : `Deliver to ${name}, attempt ${String(attempts + 1)}`,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '1 minute',
    retry: { initialInterval: 1_000, maximumInterval: '1 minute' },
  });
}
