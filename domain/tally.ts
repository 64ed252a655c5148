import type { ErrorCode } from './errors.ts';
import type { ItemOutcome } from './result.ts';

/** What one model did. */
interface ModelTally {
  model: string;
  /** Items finished; one that was run again counts each time. */
  items: number;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  images: number;
  /** Left out where there was no video. */
  videoSeconds?: number;
  costMicroUsd: number;
}

/**
 * A fold over result rows: plain JSON, carried through continue-as-new, as small for a million rows as
 * for a thousand. Money is in whole millionths of a dollar and time in whole milliseconds, because
 * sums of fractions drift.
 */
export interface Tally {
  succeeded: number;
  failed: number;
  cancelled: number;
  /** Processing time of the succeeded and failed items, milliseconds. */
  processingMs: number;
  /** In order of first appearance, at most `maxModels` and then one for all others. */
  models: ModelTally[];
  byErrorCode: Partial<Record<ErrorCode, number>>;
}

/** What a row adds to the tally. `requeued`: the item did not end, but what its calls cost is spent. */
type TallyRow = Pick<
  ItemOutcome,
  | 'status'
  | 'error_code'
  | 'processing_time_seconds'
  | 'model'
  | 'calls'
  | 'input_tokens'
  | 'output_tokens'
  | 'images'
  | 'video_seconds'
  | 'cost_usd'
  | 'steps'
>;

const maxModels = 50;

export function emptyTally(): Tally {
  return { succeeded: 0, failed: 0, cancelled: 0, processingMs: 0, models: [], byErrorCode: {} };
}

/** Adds a row to the tally, in place. */
export function addResult(tally: Tally, row: TallyRow): void {
  for (const part of row.steps ?? [row]) {
    if (part.model === '' && part.cost_usd === 0) continue;
    const model = modelTally(tally, part.model);
    model.calls += part.calls;
    model.inputTokens += part.input_tokens;
    model.outputTokens += part.output_tokens;
    model.images += part.images;
    if (part.video_seconds !== undefined) model.videoSeconds = (model.videoSeconds ?? 0) + part.video_seconds;
    model.costMicroUsd += Math.round(part.cost_usd * 1_000_000);
  }
  if (row.status === 'requeued') return;

  modelTally(tally, row.model).items += 1;
  tally[row.status] += 1;
  if (row.status !== 'cancelled') tally.processingMs += Math.round(row.processing_time_seconds * 1_000);
  if (row.status === 'failed') {
    const code = row.error_code ?? 'INTERNAL';
    tally.byErrorCode[code] = (tally.byErrorCode[code] ?? 0) + 1;
  }
}

/** USD. */
export function totalCostUsd(tally: Tally): number {
  return tally.models.reduce((sum, model) => sum + model.costMicroUsd, 0) / 1_000_000;
}

function modelTally(tally: Tally, name: string): ModelTally {
  const known = tally.models.find((entry) => entry.model === name);
  if (known !== undefined) return known;
  if (tally.models.length >= maxModels && name !== others) return modelTally(tally, others);
  const added = { model: name, items: 0, calls: 0, inputTokens: 0, outputTokens: 0, images: 0, costMicroUsd: 0 };
  tally.models.push(added);
  return added;
}

const others = 'other models';
