import { addItem, emptyEstimate, estimateTime, type BatchEstimate } from '../domain/estimate-batch.ts';
import { estimateItem } from '../domain/estimate-item.ts';
import { SluiceError } from '../domain/errors.ts';
import { windowSize } from '../domain/window.ts';
import { resolveBatch } from './batch-flow.ts';
import type { FlowSearch } from './flow-files.ts';
import type { Rejected } from './input/input-entry.ts';
import { stageInput } from './input/stage-input.ts';
import type { SubmitOptions } from './submit.ts';

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
  /** By key of models.yaml, or `gpu.<class>`: items that call it, their calls, and what those cost. */
  models: Record<string, { items: number; calls: number; estimateUsd: number }>;
  estimateUsd: number;
  /** Where loops make a difference: the cost with one round of each, and with all that their bounds allow. */
  leastUsd: number;
  mostUsd: number;
  estimateSeconds: number;
  /** What keeps it from being done sooner, e.g. `10 calls at once`. */
  boundBy: string;
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
  const sums = emptyEstimate();
  const gpuClass = spec.comfy?.gpuClass;
  let encodingNotice: string | undefined;
  try {
    const how = { source, format, encoding, localFiles, rejected, onRejected };
    const staged = await stageInput({
      ...how,
      ...{ store: null, models, spec, flow },
      onItem: (item) => {
        addItem(sums, estimateItem(item, { flow, models, gpuClass }));
      },
    });
    ({ encodingNotice } = staged);
  } catch (error) {
    const allRejected = error instanceof SluiceError && error.code === 'NO_VALID_REQUESTS' && rejectedRows.length > 0;
    if (!allRejected) throw error;
  }
  const window = windowSize(spec.limits, spec.errorPolicy, flow);
  const { seconds, boundBy } = estimateTime(sums, spec.limits, window, models);
  return {
    ...planOf(sums),
    ...{ rejected: rejectedCount, rejectedRows },
    estimateSeconds: Math.round(seconds),
    boundBy,
    encodingNotice,
  };
}

function planOf({
  items,
  models,
  costUsd,
  ...range
}: BatchEstimate): Pick<BatchPlan, 'total' | 'models' | 'estimateUsd' | 'leastUsd' | 'mostUsd'> {
  const shares = Object.entries(models).map(([key, share]) => {
    return [key, { items: share.items, calls: share.calls, estimateUsd: share.costUsd }] as const;
  });
  const { leastUsd, mostUsd } = range;
  return { total: items, models: Object.fromEntries(shares), estimateUsd: costUsd, leastUsd, mostUsd };
}
