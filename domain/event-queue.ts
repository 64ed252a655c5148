import type { EventEntry, EventParcel } from './events.ts';

/** How far a target has come, and when it is to be tried next. */
export interface Cursor {
  /** Place of the next entry, counted over all there ever were. */
  next: number;
  /** Rows of it that are done. */
  row: number;
  /** Attempts in vain since the last one that went well. */
  attempts: number;
  notBeforeMs: number;
  /** Calls made: numbers the files of the log. */
  calls: number;
}

/** Entries that some target still wants. Plain data, carried from run to run. */
export interface EventQueue {
  /** Place of the first entry that is still there. */
  first: number;
  entries: EventEntry[];
  cursors: Record<string, Cursor>;
  /** Number of the next entry by sender, the latest few. */
  seen: Record<string, number>;
  /** The batch has told of its end. */
  ended: boolean;
}

export function emptyQueue(): EventQueue {
  return { first: 0, entries: [], cursors: {}, seen: {}, ended: false };
}

function freshCursor(next: number): Cursor {
  return { next, row: 0, attempts: 0, notBeforeMs: 0, calls: 0 };
}

/** Most senders that are remembered: a batch sends in one run at a time. */
const mostSenders = 10;

/** Takes a parcel in; of one that comes twice, the second changes nothing. Results that follow each other become one entry. */
export function takeParcel(queue: EventQueue, { targets, sender, first, entries, last }: EventParcel): void {
  const end = queue.first + queue.entries.length;
  // A target that comes later has nothing to do with what came before it.
  for (const { name } of targets) queue.cursors[name] ??= freshCursor(end);
  const seen = queue.seen[sender] ?? 0;
  const fresh = entries.slice(Math.max(0, seen - first));
  const { [sender]: _, ...others } = queue.seen;
  const kept = Object.entries(others).slice(1 - mostSenders);
  queue.seen = { ...Object.fromEntries(kept), [sender]: Math.max(seen, first + entries.length) };
  if (last) queue.ended = true;
  // A further run of the batch goes on.
  else if (fresh.length > 0) queue.ended = false;
  for (const entry of fresh) {
    const before = queue.entries.at(-1);
    const place = queue.first + queue.entries.length - 1;
    // One that a target has passed is done with; what was added to it would be lost.
    const passed = Object.values(queue.cursors).some(({ next }) => next > place);
    const follows =
      entry.kind === 'rows' &&
      before?.kind === 'rows' &&
      before.toPart === entry.fromPart &&
      before.firstRow + before.rows === entry.firstRow;
    if (follows && !passed) {
      queue.entries[queue.entries.length - 1] = { ...before, toPart: entry.toPart, rows: before.rows + entry.rows };
    } else {
      queue.entries.push(entry);
    }
  }
}

/** The entries a target has before it, with their place; what all have passed is forgotten. */
export function waitingFor(queue: EventQueue, name: string): EventEntry[] {
  return queue.entries.slice(cursorOf(queue, name).next - queue.first);
}

export function cursorOf(queue: EventQueue, name: string): Cursor {
  return (queue.cursors[name] ??= freshCursor(queue.first));
}

/** Forgets what every target has passed. */
export function prune(queue: EventQueue): void {
  const first = Math.min(...Object.values(queue.cursors).map(({ next }) => next));
  queue.entries.splice(0, first - queue.first);
  queue.first = first;
}
