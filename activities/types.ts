import type { BatchSummary, RedriveSelector, Segment } from '../domain/batch.ts';
import type { Limits, RetrySpec } from '../domain/batch-spec.ts';
import type { Flow, Step } from '../domain/flow.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { ItemRef } from '../domain/item.ts';
import type { GivenAnswer, Question } from '../domain/question.ts';
import type { ItemOutcome, ResultRow } from '../domain/result.ts';
import type { EventEntry, EventParcel, EventTarget } from '../domain/events.ts';
import type { ScheduledRunInput, StagedRun } from '../domain/schedule.ts';
import type { Tally } from '../domain/tally.ts';

/** Everything an item's steps need; the input of `itemWorkflow` too. */
export interface ItemInput {
  batchId: string;
  storeUri: string;
  mode: ProviderMode;
  flow: Flow;
  ref: ItemRef;
  retry: RetrySpec;
  /** Longest a single provider call may take, milliseconds. */
  timeoutMs: number;
  /** Longest the steps may work together, milliseconds. @default no limit */
  itemTimeoutMs?: number;
  /** The batch's own limits, as they were when the item was started. */
  ratePerMinute: number | null;
  /** Calls of the batch under way at once. */
  concurrency: number;
  /** What the batch may cost, USD; null: no limit. Left out by older workflows, which judge before each item only. */
  budgetUsd?: number | null;
  /** Temporal's priority key: 1 first, 5 last. */
  priority: number;
  /** Which GPUs may do the steps that need one. */
  gpuClass: string;
  /** Of the batch's limits: of two items' values the newer one holds. */
  limitsRevision: number;
  /** What templates see as `batch.project`. */
  project?: string;
  /** Results of other batches are used again, and these kept for them. @default false */
  cache?: boolean;
  /** Steps that ask a person wait for the answer; else they answer themselves. @default false */
  interactive?: boolean;
  /** Of items and steps that are videos: the one that is being made. */
  video?: VideoNote;
}

/** One step of an item. Of its flow only what an activity needs: the other steps are there by id and kind. */
export interface StepInput extends ItemInput {
  step: Step;
  /** From 1 in a loop; 0 outside of one. */
  round: number;
  /** Of kinds that call one: key of models.yaml. */
  model?: ModelRef;
  /** Another model is called if this one fails: then its trouble is not the batch's. */
  hasFallback?: boolean;
  /** Left of the item's time when the step began, milliseconds. @default no limit */
  leftMs?: number;
  /** What earlier steps made, the latest of each. */
  made: Record<string, StepMade>;
  /** Of a step that asks a person: the answer that stands. */
  given?: GivenAnswer;
  /** Of the last step of a loop: the condition that ends it. */
  until?: string;
}

/** A video that a vendor is making. */
export interface VideoNote {
  /** The vendor's name of it. */
  operation: string;
  seconds: number;
  /** Calls made until now, failed ones too, and when the first had its turn. */
  calls: number;
  startedAtMs: number;
  /** An earlier run of the item has counted what it costs. */
  counted?: boolean;
  /** Where it is to be fetched, once it is done. */
  uri?: string;
  /** It came to nothing and was not charged; another one may be asked for. */
  failed?: string;
}

/** A model of models.yaml by its key, and whose it is. */
export interface ModelRef {
  key: string;
  provider: string;
}

export interface ChooseModelInput {
  mode: ProviderMode;
  candidates: ModelRef[];
}

/** Where a finished step left what it made. */
export interface StepMade {
  /** Of its record in the store. */
  key: string;
  /** File it made, relative to the batch directory. */
  path: string | null;
  model?: string;
}

/** How a step ended: a row with what it did, and what the workflow needs to go on. */
export type StepOutcome = ItemOutcome & {
  made?: StepMade;
  /** Its condition did not hold. */
  skipped?: boolean;
  /** Found finished by an earlier run of the item. */
  reused?: boolean;
  /** The condition that ends its loop holds. */
  done?: boolean;
  /** What a person is to answer before the step is done; it has no record yet. */
  question?: Question;
  /** A video that is being made; the step has no record yet. */
  video?: VideoNote;
};

export interface ReadPageInput {
  storeUri: string;
  segment: Segment;
  /** Number of the part. */
  part: number;
}

export interface WriteResultsInput {
  batchId: string;
  storeUri: string;
  /** Name of it; left out by older workflows. */
  flow?: string;
  part: number;
  rows: ResultRow[];
  status: string;
  /** Items with a final result, and all of them. */
  finished: number;
  total: number;
}

export interface OpenRunInput {
  batchId: string;
  storeUri: string;
  input: Segment;
  selector: RedriveSelector;
  /** Left out by older workflows, whose flows are all of one step. */
  flow?: Flow;
  /** Only what failed in this row of the results or a later one: earlier failures are not this run's. @default 0 */
  fromRow?: number;
  /** Prefix the selected items are staged under, e.g. `input/redrive-001`. */
  prefix: string;
}

/** What earlier runs left, folded from the results in storage. */
export interface OpenRunResult {
  segment: Segment;
  tally: Tally;
  /** Last results of all items, before the selected ones run again. */
  succeeded: number;
  failed: number;
  cancelled: number;
  /** Of the selected ones: how many had failed, and how many were cancelled. */
  selectedFailed: number;
  selectedCancelled: number;
  selectedSucceeded: number;
  /** Of the selected ones that had succeeded: how many in a row before `fromRow`. */
  selectedEarlier?: number;
  /** Ids of the selected ones; set where the selector named items. */
  selectedIds?: string[];
  nextPart: number;
  rows: number;
}

export interface ApplyLimitsInput {
  batchId: string;
  ratePerMinute: number | null;
  concurrency: number;
  /** As of an item: see `ItemInput`. */
  budgetUsd?: number | null;
  /** As of an item: see `ItemInput`. */
  limitsRevision: number;
  /** Items of this revision and older that are still waiting for their turn give it up: see `ItemOutcome`. */
  holdBack: boolean;
}

export interface AwaitItemInput {
  workflowId: string;
  runId: string;
}

export interface FinishBatchInput {
  summary: BatchSummary;
  input: Segment;
  limits: Limits;
  tally: Tally;
}

/** A run of a schedule, and the time it is for. */
export type StageRunInput = ScheduledRunInput & { atMs: number };

/** Activities of the `sluice` task queue. */
export interface CoreActivities {
  readPage(input: ReadPageInput): Promise<ItemRef[]>;
  writeResults(input: WriteResultsInput): Promise<void>;
  openRun(input: OpenRunInput): Promise<OpenRunResult>;
  /** Makes changed limits, or a pause, hold for the items that already wait for their turn. */
  applyLimits(input: ApplyLimitsInput): Promise<void>;
  awaitItem(input: AwaitItemInput): Promise<ItemOutcome>;
  finishBatch(input: FinishBatchInput): Promise<void>;
  stageRun(input: StageRunInput): Promise<StagedRun>;
  /** Of a step that takes the model with the least load. */
  chooseModel(input: ChooseModelInput): Promise<ModelRef>;
}

/** Steps that call nobody; on the `sluice` task queue too. */
export interface LightStepActivities {
  checkStep(input: StepInput): Promise<StepOutcome>;
  /** Asks a person; called again with the answer, it writes the record. */
  askPerson(input: StepInput): Promise<StepOutcome>;
  exportItem(input: StepInput): Promise<StepOutcome>;
  sendRequest(input: StepInput): Promise<StepOutcome>;
}

/** Activities of the GPU task queues. */
export interface GpuActivities {
  runComfy(input: ItemInput | StepInput): Promise<StepOutcome>;
}

/** Activities of the model task queues. */
export interface ModelActivities {
  writeText(input: StepInput): Promise<StepOutcome>;
  generateImage(input: ItemInput | StepInput): Promise<StepOutcome>;
}

/** A video in three calls; on the task queues of models too. */
export interface VideoActivities {
  startVideo(input: ItemInput | StepInput): Promise<StepOutcome>;
  checkVideo(input: ItemInput | StepInput): Promise<StepOutcome>;
  storeVideo(input: ItemInput | StepInput): Promise<StepOutcome>;
}

/** All activities that do a step. */
export type StepActivities = ModelActivities & VideoActivities & GpuActivities & LightStepActivities;

export interface PublishEventsInput {
  batchId: string;
  storeUri: string;
  parcel: EventParcel;
}

export interface DeliverEventsInput {
  batchId: string;
  storeUri: string;
  target: EventTarget;
  entries: readonly EventEntry[];
  /** Rows of the first entry that are done. */
  row: number;
  /** Of the first event; one-based. */
  attempt: number;
  /** Names the file of the log. */
  log: string;
}

/** How far a call came. */
export interface DeliverEventsResult {
  /** Entries that are done, and rows of the next one. */
  entries: number;
  row: number;
  delivered: number;
  failed: number;
  /** When the next event is to be tried again; null: nothing went wrong with it so far. */
  retryInMs: number | null;
  /** Attempts the next event has behind it. */
  attempts: number;
  error: string | null;
}

/** A run of a schedule that could not start, and why: the failure's code and message. */
export type FailedRunInput = StageRunInput & { runId: string; code: string; message: string };

/** Telling others; on the `sluice` task queue. */
export interface EventActivities {
  /** Tells those who want to know of a run that could not start. */
  tellFailedRun(input: FailedRunInput): Promise<void>;
  /** Hands entries to the batch's `eventsWorkflow`, which is started if it does not run. */
  publishEvents(input: PublishEventsInput): Promise<void>;
  /** Sends events to a target in order, until one fails, all are sent or the time is up. */
  deliverEvents(input: DeliverEventsInput): Promise<DeliverEventsResult>;
}
