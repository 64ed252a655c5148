import type { BatchSummary, RedriveSelector, Segment } from '../domain/batch.ts';
import type { Limits, RetrySpec } from '../domain/batch-spec.ts';
import type { Flow } from '../domain/flow.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { ItemRef } from '../domain/item.ts';
import type { ItemOutcome, ResultRow } from '../domain/result.ts';
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
  /** The batch's own limits, as they were when the item was started. */
  ratePerMinute: number | null;
  /** Calls of the batch under way at once. */
  concurrency: number;
  /** Temporal's priority key: 1 first, 5 last. */
  priority: number;
  /** Which GPUs may do the steps that need one. */
  gpuClass: string;
  /** Of the batch's limits: of two items' values the newer one holds. */
  limitsRevision: number;
}

export interface ReadPageInput {
  storeUri: string;
  segment: Segment;
  /** Number of the part. */
  part: number;
}

export interface WriteResultsInput {
  batchId: string;
  storeUri: string;
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
  nextPart: number;
  rows: number;
}

export interface ApplyLimitsInput {
  batchId: string;
  ratePerMinute: number | null;
  concurrency: number;
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

/** Activities of the `sluice` task queue. */
export interface CoreActivities {
  readPage(input: ReadPageInput): Promise<ItemRef[]>;
  writeResults(input: WriteResultsInput): Promise<void>;
  openRun(input: OpenRunInput): Promise<OpenRunResult>;
  /** Makes changed limits, or a pause, hold for the items that already wait for their turn. */
  applyLimits(input: ApplyLimitsInput): Promise<void>;
  awaitItem(input: AwaitItemInput): Promise<ItemOutcome>;
  finishBatch(input: FinishBatchInput): Promise<void>;
}

/** Activities of the GPU task queues. */
export interface GpuActivities {
  runComfy(input: ItemInput): Promise<ItemOutcome>;
}

/** Activities of the model task queues. */
export interface ModelActivities {
  generateImage(input: ItemInput): Promise<ItemOutcome>;
}
