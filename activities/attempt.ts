import { blankRow } from '../domain/item-row.ts';
import type { StagedItem } from '../domain/item.ts';
import type { ResultRow, Usage } from '../domain/result.ts';
import { stepFileName } from '../domain/step-file.ts';
import type { TemplateScope } from '../domain/templates.ts';
import type { Store } from '../storage/store.ts';
import type { AttemptLog } from './attempt-log.ts';
import type { StepInput } from './types.ts';

/** A staged item as a step works on it: its templates rendered, its file name that of the step. */
export type StepItem = StagedItem & {
  /** Of steps with a record: their files carry it too, and count only for the same request. */
  requestHash?: string;
};

/** One attempt at one step of an item: what it works on, and how what it did is put into a row. */
export class Attempt {
  readonly input: StepInput;
  readonly store: Store;
  readonly item: StepItem;
  readonly log: AttemptLog;
  /** Aborted when the item is cancelled or the worker stops: nothing is to be begun any more. */
  readonly signal: AbortSignal;
  /** What templates see; null of a plain item, which has none. */
  readonly scope: TemplateScope | null;
  /** USD. */
  private readonly costUsd: (usage: Usage) => number;

  constructor(
    options: Pick<Attempt, 'input' | 'store' | 'item' | 'log' | 'signal' | 'scope'>,
    costUsd: (usage: Usage) => number,
  ) {
    ({ input: this.input, store: this.store, item: this.item, log: this.log, signal: this.signal } = options);
    this.scope = options.scope;
    this.costUsd = costUsd;
  }

  /** The same attempt at the item as a step sees it. */
  as(item: StepItem): Attempt {
    const { input, store, log, signal, scope } = this;
    return new Attempt({ input, store, item, log, signal, scope }, this.costUsd);
  }

  /** Name of the file the step makes, without extension. */
  fileName(options: { eachRound: boolean }): string {
    const { flow, step, round } = this.input;
    if (this.scope === null) return this.item.name;
    return stepFileName(this.item.name, { flow, stepId: step.id, round: options.eachRound ? round : 0 });
  }

  succeeded(outputPath: string | null): ResultRow {
    return { ...this.row(), status: 'succeeded', output_path: outputPath };
  }

  /** What was called and used so far. */
  row(): Omit<ResultRow, 'status'> {
    return rowOf(this.input, this.log, this.costUsd);
  }
}

export function rowOf(
  { ref, step, model }: StepInput,
  log: AttemptLog,
  costUsd: (usage: Usage) => number,
): Omit<ResultRow, 'status'> {
  const { usage } = log;
  const now = Date.now();
  return {
    ...blankRow(ref, now),
    processing_time_seconds: Math.max(0, now - (log.firstTurnAtMs ?? now)) / 1000,
    model: model?.key ?? (step.uses === 'comfy' ? ref.model : ''),
    calls: log.calls,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    images: usage.images,
    ...(usage.videoSeconds === undefined ? {} : { video_seconds: usage.videoSeconds }),
    cost_usd: Number(costUsd(usage).toFixed(6)),
  };
}
