import type { ItemRef } from './item.ts';
import type { ItemOutcome, ResultRow, StepUsage } from './result.ts';

/** How one step of an item ended. */
export interface StepEnd {
  id: string;
  row: ItemOutcome;
  path: string | null;
  reused: boolean;
}

/** How the item ended. */
type ItemEnd = Pick<ItemOutcome, 'status' | 'error_code' | 'error_message'>;

/** The row of an item that has done nothing yet. */
export function blankRow(ref: Pick<ItemRef, 'id' | 'index' | 'model' | 'seed' | 'hash'>, finishedAtMs: number) {
  return {
    request_id: ref.id,
    index: ref.index,
    output_path: null,
    error_code: null,
    error_message: null,
    processing_time_seconds: 0,
    model: ref.model,
    seed: ref.seed,
    input_hash: ref.hash,
    calls: 0,
    input_tokens: 0,
    output_tokens: 0,
    images: 0,
    cost_usd: 0,
    finished_at: new Date(finishedAtMs).toISOString(),
  } satisfies Omit<ResultRow, 'status'>;
}

/**
 * The row of an item of several steps: sums over all that its steps did, the failed ones too, and `steps` with
 * the part of each.
 *
 * @param output id of the step whose file is the item's output; else the last file counts
 */
export function rowOfSteps(
  ref: ItemRef,
  ends: readonly StepEnd[],
  { end, output, nowMs }: { end: ItemEnd; output: string | undefined; nowMs: number },
): ItemOutcome {
  const row: ItemOutcome = { ...blankRow(ref, nowMs), ...end };
  const files = ends.filter(({ path }) => path !== null);
  const file = files.findLast(({ id }) => id === output) ?? files.at(-1);
  const caller = file ?? ends.findLast(({ row: { model } }) => model !== '');
  row.output_path = end.status === 'succeeded' ? (file?.path ?? null) : null;
  if (file?.row.cached_from !== undefined) row.cached_from = file.row.cached_from;
  row.model = caller?.row.model || ref.model;
  for (const { row: part } of ends) {
    add(row, part);
    row.processing_time_seconds += part.processing_time_seconds;
  }
  row.steps = usageOf(ends);
  return row;
}

/** What an item spent in runs that gave up their place and so have no row. */
export type SpentBefore = Spent & Pick<ItemOutcome, 'processing_time_seconds' | 'steps'>;

/** A row with what was spent before it. What earlier runs had finished, and this one found, is no longer reused then. */
export function withSpentBefore<Row extends SpentBefore>(row: Row, before: SpentBefore): Row {
  const sum = { ...row };
  add(sum, before);
  sum.processing_time_seconds += before.processing_time_seconds;
  if (row.steps === undefined && before.steps === undefined) return sum;
  const steps = new Map((row.steps ?? []).map((step) => [keyOf(step), { ...step }]));
  for (const step of before.steps ?? []) {
    const later = steps.get(keyOf(step));
    if (later === undefined) steps.set(keyOf(step), step);
    else {
      add(later, step);
      const { reused = 0, ...own } = later;
      const left = reused - Math.min(reused, step.runs - (step.reused ?? 0));
      steps.set(keyOf(step), left === 0 ? own : { ...own, reused: left });
    }
  }
  return { ...sum, steps: [...steps.values()] };
}

/** One entry for each step and model, so that loops do not make rows grow. */
function usageOf(ends: readonly StepEnd[]): StepUsage[] {
  const usages = new Map<string, StepUsage>();
  for (const { id, row, reused } of ends) {
    const { model } = row;
    const key = keyOf({ id, model });
    const none = { id, model, runs: 0, calls: 0, input_tokens: 0, output_tokens: 0, images: 0, cost_usd: 0 };
    const usage: StepUsage = usages.get(key) ?? none;
    usages.set(key, usage);
    usage.runs += 1;
    if (row.cached_from !== undefined) usage.cached_from = row.cached_from;
    if (reused) usage.reused = (usage.reused ?? 0) + 1;
    add(usage, row);
  }
  return [...usages.values()];
}

function keyOf({ id, model }: Pick<StepUsage, 'id' | 'model'>): string {
  return `${id} ${model}`;
}

type Spent = Pick<StepUsage, 'calls' | 'input_tokens' | 'output_tokens' | 'images' | 'video_seconds' | 'cost_usd'>;

function add(sum: Spent, part: Spent): void {
  sum.calls += part.calls;
  sum.input_tokens += part.input_tokens;
  sum.output_tokens += part.output_tokens;
  sum.images += part.images;
  if (part.video_seconds !== undefined) sum.video_seconds = (sum.video_seconds ?? 0) + part.video_seconds;
  // Whole millionths, because sums of fractions drift.
  sum.cost_usd = Math.round((sum.cost_usd + part.cost_usd) * 1_000_000) / 1_000_000;
}
