import { SluiceError } from '../domain/errors.ts';
import { findModel, type ModelsFile } from '../domain/models.ts';
import { resolveBatch } from './batch-flow.ts';
import type { FlowSearch } from './flow-files.ts';
import type { Rejected } from './input/input-entry.ts';
import { stageInput } from './input/stage-input.ts';
import type { SubmitOptions } from './submit.ts';

/** What a call is taken to last when nothing is known yet, seconds. */
export const assumedCallSeconds = 8;

export interface PlanOptions extends Pick<SubmitOptions, 'input' | 'format' | 'encoding' | 'localFiles' | 'spec'> {
  /** Path of the file for rejected rows. @default none is written */
  rejectedFile?: string | null | undefined;
  /** How many of the rejected rows the plan holds. @default 0 */
  maxRejectedRows?: number | undefined;
}

/** What a submission would come to. */
export interface BatchPlan {
  /** Items. */
  total: number;
  /** Rows that are none. */
  rejected: number;
  /** The first of them. */
  rejectedRows: Rejected[];
  models: Record<string, { items: number; estimateUsd: number }>;
  estimateUsd: number;
  estimateSeconds: number;
  encodingNotice?: string | undefined;
}

/**
 * Reads an input as a submission does, and starts nothing. Where every row is rejected the plan says so, if it
 * is to hold rejected rows.
 *
 * @throws SluiceError what reading an input does: NO_VALID_REQUESTS, INPUT_NOT_FOUND, INPUT_UNREADABLE, USAGE, …
 */
export async function planBatch(search: FlowSearch, options: PlanOptions): Promise<BatchPlan> {
  const { models } = search;
  const { spec, flow } = await resolveBatch(options.spec, search);
  const { input: source, format, encoding, localFiles } = options;
  const { rejectedFile: rejected = null, maxRejectedRows = 0 } = options;
  const rejectedRows: Rejected[] = [];
  let rejectedCount = 0;
  const onRejected = (row: Rejected): void => {
    rejectedCount += 1;
    if (rejectedRows.length < maxRejectedRows) rejectedRows.push(row);
  };
  try {
    const how = { source, format, encoding, localFiles, rejected, onRejected };
    const staged = await stageInput({ ...how, store: null, models, spec, flow });
    const { total, byModel, estimateUsd, encodingNotice } = staged;
    const estimateSeconds = Math.round(minutesOf(total, byModel, models, spec.limits) * 60);
    const sums = { total, rejected: staged.rejected, estimateUsd, estimateSeconds };
    return { ...sums, rejectedRows, models: byModel, encodingNotice };
  } catch (error) {
    const allRejected = error instanceof SluiceError && error.code === 'NO_VALID_REQUESTS' && rejectedRows.length > 0;
    if (!allRejected) throw error;
    return { total: 0, rejected: rejectedCount, rejectedRows, models: {}, estimateUsd: 0, estimateSeconds: 0 };
  }
}

/** By what bounds it most: calls at once, the batch's rate, or that of a model. */
function minutesOf(
  total: number,
  byModel: BatchPlan['models'],
  models: ModelsFile,
  { concurrency, ratePerMinute }: { concurrency: number; ratePerMinute: number | null },
): number {
  const byRate = Object.entries(byModel).map(([model, { items }]) => {
    const limit = findModel(models, model)?.limits.requests_per_minute ?? Infinity;
    return items / limit;
  });
  return Math.max(
    (total * assumedCallSeconds) / concurrency / 60,
    ratePerMinute === null ? 0 : total / ratePerMinute - 1,
    ...byRate.map((needed) => needed - 1),
  );
}
