import type { Question } from '../domain/question.ts';
import type { ResultRow, Usage } from '../domain/result.ts';
import type { StepRecord } from '../domain/step-record.ts';
import type { ResultCache } from '../storage/result-cache.ts';
import type { Store } from '../storage/store.ts';
import type { Attempt } from './attempt.ts';
import type { ModelHealth } from './model-health.ts';
import type { Observer } from './observer.ts';
import type { StepInput, VideoNote } from './types.ts';

export interface StepDeps {
  openStore: (uri: string) => Store;
  /** Aborted, with the failure to give, when no more calls are to be made: the worker is stopping. */
  stopping?: AbortSignal | undefined;
  /** Results that batches may use again. @default none */
  cache?: ResultCache | undefined;
  /** Told what is called, for metrics and traces. @default nobody */
  observer?: Required<Observer> | undefined;
  /** Of kinds that call models: which of them are down. */
  health?: ModelHealth | undefined;
  /** How long an attempt tries to store what is paid for, milliseconds. @default 5000 */
  storagePatienceMs?: number;
}

/** What a step made; with what it took it becomes its record. */
export interface StepResult extends Partial<
  Pick<StepRecord, 'text' | 'json' | 'answer' | 'approved' | 'passed' | 'failures' | 'facts' | 'cached_from'>
> {
  /** Asked instead of made: there is no record before the answer. */
  question?: Question;
  /** Under way instead of made: there is no record before it is done. */
  video?: VideoNote;
  path?: string | null;
  /** Where it is not a key of models.yaml. */
  model?: string;
  /** Of what an earlier attempt finished: the row as it was then. */
  row?: ResultRow;
}

/** A kind of step: what it asks for, and how it gets it. */
export interface StepWork<Request> {
  /**
   * What is asked for, templates rendered: JSON that determines the result, but for the model. A step whose
   * request was answered in an earlier run of the item is not run again.
   *
   * @throws SluiceError INVALID_INPUT
   */
  request: (attempt: Attempt) => Request | Promise<Request>;
  run: (attempt: Attempt, request: Request) => Promise<StepResult>;
  /** Writes files that are made from the record; called again, writes what is missing. */
  publish?: (attempt: Attempt, record: StepRecord, row: ResultRow) => Promise<void>;
  /** Price of what the step's model used, USD. @default nothing */
  costUsd?: (input: StepInput) => (usage: Usage) => number;
}
