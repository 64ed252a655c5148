import { SluiceError, type ErrorCode } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { ResultRow, Usage } from '../domain/result.ts';
import type { StepInput } from './types.ts';

/** A call of a model, or a prompt on a GPU, as metrics and traces tell of it: neither what was asked nor a key. */
export interface ProviderCall {
  /** As models.yaml has it; `comfyui` of prompts. */
  provider: string;
  /** Key of models.yaml; of prompts the checkpoint. */
  model: string;
  kind: 'image' | 'text' | 'video' | 'comfy';
  mode: ProviderMode;
  batchId: string;
  itemId: string;
  stepId: string;
}

/** What a call came to. */
export interface CallOutcome {
  /** Null: it succeeded. */
  code: ErrorCode | null;
  usage: Usage;
  costUsd: number;
  /** What the vendor says it ran, and how it calls the answer. */
  modelVersion?: string | undefined;
  responseId?: string | undefined;
}

/** Is told what activities do, for metrics and traces. It does not throw. */
export interface Observer {
  /** @returns to be called once, when the call has ended */
  callStarted?(call: ProviderCall): (outcome: CallOutcome) => void;
  /** A call has its turn at limits and budgets, after so many seconds. */
  turnTaken?(call: ProviderCall, seconds: number): void;
  /** A prompt has run on an endpoint, for so many seconds. */
  gpuWorked?(endpoint: string, mode: ProviderMode, seconds: number): void;
  /** Results of items of a flow are stored. */
  itemsEnded?(flow: string, rows: readonly ResultRow[]): void;
}

/** Tells all of several observers. */
export function observeWith(observers: readonly Observer[]): Required<Observer> {
  return {
    callStarted(call) {
      const ends = observers.map((observer) => observer.callStarted?.(call));
      return (outcome) => {
        for (const end of ends) end?.(outcome);
      };
    },
    turnTaken(call, seconds) {
      for (const observer of observers) observer.turnTaken?.(call, seconds);
    },
    gpuWorked(endpoint, mode, seconds) {
      for (const observer of observers) observer.gpuWorked?.(endpoint, mode, seconds);
    },
    itemsEnded(flow, rows) {
      for (const observer of observers) observer.itemsEnded?.(flow, rows);
    },
  };
}

/** Of the call that a step makes. */
export function providerCallOf(
  { batchId, ref, step, mode }: StepInput,
  called: Pick<ProviderCall, 'provider' | 'model' | 'kind'>,
): ProviderCall {
  return { ...called, mode, batchId, itemId: ref.id, stepId: step.id };
}

/** As an outcome says it. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof SluiceError ? error.code : 'INTERNAL';
}
