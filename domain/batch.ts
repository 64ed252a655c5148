import type { BatchSpec, Limits } from './batch-spec.ts';
import type { BatchEvents, EventEntry } from './events.ts';
import type { FailureWindow } from './failure-policy.ts';
import type { Flow } from './flow.ts';
import type { ProviderMode } from './ids.ts';
import type { SpentBefore } from './item-row.ts';
import type { ItemRef } from './item.ts';
import type { ResultRow } from './result.ts';
import type { Tally } from './tally.ts';

/** Why a batch does not start new items. */
export type PauseKind = 'user' | 'failure_rate' | 'tolerated_failure' | 'budget' | 'environment' | 'storage';

export interface Pause {
  kind: PauseKind;
  /** One sentence for a person. */
  reason: string;
  /** What to do about it. */
  action: string;
  /** ISO 8601, UTC. */
  since: string;
  /** When it ends by itself, ISO 8601, UTC. */
  until?: string;
}

/** Something a person should know of; escalations also pause the batch. */
export interface Notice {
  at: string;
  level: 'info' | 'notice' | 'escalation';
  message: string;
}

/** A list of staged items: `<prefix>/part-NNNNN.jsonl`, `rowsPerPart` lines each but the last. */
export interface Segment {
  prefix: string;
  total: number;
  rowsPerPart: number;
}

/** Which items a redrive runs again. */
export interface RedriveSelector {
  /**
   * `failed`: items whose last result is a failure. `unfinished`: everything without a success whose
   * file is still there and whose input is still the same; cancelled and never started items too. `rejected`:
   * of the items named, those whose last result a person rejected.
   */
  select: 'failed' | 'unfinished' | 'rejected';
  /** Only items that failed with one of these codes. */
  codes?: string[];
  /** Only these items. */
  itemIds?: string[];
  /** Model of models.yaml that steps of its kind call this time, those that are finished not. */
  model?: string;
  /** Parameters of the flow that are others this time. */
  parameters?: Record<string, unknown>;
}

export interface BatchInput {
  batchId: string;
  storeUri: string;
  mode: ProviderMode;
  spec: BatchSpec;
  flow: Flow;
  /** All items of the batch, as staged. */
  input: Segment;
  rejected: number;
  /** Set when this run continues what an earlier, closed run of the same batch left. */
  reopen?: { selector: RedriveSelector; countAsSkipped: boolean };
  /** Who is told what becomes of the batch; absent: nobody. */
  events?: BatchEvents;
  /** Set by continue-as-new. */
  carried?: BatchState;
  /** Events after which a run continues as new. @default 3000 */
  maxHistoryEvents?: number;
}

/** An item whose child workflow is started. */
export interface InFlightItem {
  ref: ItemRef;
  /** Run of the child, so that a re-attachment waits for this one and no other. */
  runId: string;
  startedAtMs: number;
  /** Waits for a person, and holds no place of the window meanwhile. */
  waiting?: boolean;
  /** How often it has waited. */
  asked?: number;
}

/** What a run hands to the next one. Bounded: no list in it grows with the number of items. */
export interface BatchState {
  startedAtMs: number;
  segments: Segment[];
  /** Segment being read, and the next row of it to start. */
  segmentIndex: number;
  cursor: number;
  inFlight: InFlightItem[];
  /** Items to start again before new ones: stopped by their surroundings, not by themselves. */
  requeued: ItemRef[];
  /** What items that are to be started again, or were, have spent by then: for the row they are going to have. */
  spentBefore?: (SpentBefore & { id: string })[];
  /** Everything ever called and paid for in this batch, also what was later done again. */
  tally: Tally;
  /** Items by the status of their last result. */
  succeeded: number;
  failed: number;
  cancelled: number;
  skipped: number;
  window: FailureWindow;
  noticed: boolean;
  /** Counts at the last resume: tolerated failure is counted from there. */
  toleratedFrom: { failed: number; finished: number };
  pause: Pause | null;
  notices: Notice[];
  limits: Limits;
  /** Grows with every change of the limits. */
  limitsRevision: number;
  /** Results not yet written to a part. */
  buffer: ResultRow[];
  /** Number of the next results part, and how many rows are in the parts before it. */
  nextPart: number;
  flushedRows: number;
  /** Sequence number of the first result of this run of the batch; earlier ones are an earlier run's. */
  firstRow: number;
  redrives: number;
  /** Items of a redrive that have not ended yet; another redrive waits for them. */
  redriveOpen: number;
  /** Ids of items that are being made again because they were rejected; bounded by what `redrive` takes. */
  remaking?: string[];
  ending: 'cancelled' | 'stopped' | null;
  /** Of batches that tell somebody: what was told, and what waits to be handed to `eventsWorkflow`. */
  told?: Told;
}

export interface Told {
  /** Names this run of the batch, its continuations included. */
  sender: string;
  /** Number of the next entry, and of the first that waits. */
  next: number;
  waiting: EventEntry[];
  /** `since` of the pause that was told of. */
  pausedSince: string | null;
  /** The latest notice that was told of. */
  notice: Notice | null;
  /** Questions that were told of, and are still open: the item, and from its second one on which. */
  asking: string[];
  /** Results told of. */
  part: number;
  rows: number;
}

/** `waiting`: nothing is left to do before people have answered. */
export type BatchStatus = 'running' | 'waiting' | 'paused' | 'succeeded' | 'failed' | 'cancelled' | 'terminated';

export interface BatchCounts {
  total: number;
  succeeded: number;
  failed: number;
  /** Done by an earlier run and kept. */
  skipped: number;
  /** Rows of the input that were no valid item; not part of `total`. */
  rejected: number;
  cancelled: number;
  running: number;
  /** Wait for a person's answer. */
  waiting: number;
  pending: number;
}

export interface RunningItem {
  itemId: string;
  label: string;
  model: string;
  seed: number;
  startedAtMs: number;
}

/** The `progress` query's answer. */
export interface BatchProgress {
  batchId: string;
  flow: string;
  storeUri: string;
  mode: ProviderMode;
  status: BatchStatus;
  counts: BatchCounts;
  costUsd: number;
  startedAtMs: number;
  pause: Pause | null;
  notices: Notice[];
  limits: Limits;
  /** How the last items ended: what the failure policy judges. */
  window: FailureWindow;
  /** At most 50. */
  running: RunningItem[];
  /** Results that are not in a part yet, and the sequence number of the first of them. */
  recent: ResultRow[];
  recentFrom: number;
}

/** What a closed batch leaves: the workflow's result, and `summary` in batch_info.json. */
export interface BatchSummary {
  batchId: string;
  flow: string;
  storeUri: string;
  mode: ProviderMode;
  status: BatchStatus;
  counts: BatchCounts;
  costUsd: number;
  /** ISO 8601, UTC. */
  startedAt: string;
  finishedAt: string;
  durationSeconds: number;
  notices: Notice[];
  /** Result rows ever written, redone items included: the sequence number after the last. */
  rows: number;
}
