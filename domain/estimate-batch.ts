import type { Limits } from './batch-spec.ts';
import { addCalls, type CallsEstimate } from './calls-estimate.ts';
import type { FlowEstimate } from './estimate-flow.ts';
import { formatCount } from './format.ts';
import { findModel, type ModelsFile } from './models.ts';

/** What all items of a batch are expected to come to. */
export interface BatchEstimate {
  items: number;
  /** USD: expected, with one round of each loop, and with all rounds. */
  costUsd: number;
  leastUsd: number;
  mostUsd: number;
  /** By key of models.yaml, or `gpu.<class>`; `items` of them call it. */
  models: Record<string, CallsEstimate & { items: number }>;
  /** Of all items, one after the other, and of the longest one. */
  seconds: number;
  longestSeconds: number;
}

export function emptyEstimate(): BatchEstimate {
  return { items: 0, costUsd: 0, leastUsd: 0, mostUsd: 0, models: {}, seconds: 0, longestSeconds: 0 };
}

/** Adds an item. */
export function addItem(batch: BatchEstimate, item: FlowEstimate): void {
  batch.items += 1;
  batch.costUsd += item.costUsd;
  batch.leastUsd += item.leastUsd;
  batch.mostUsd += item.mostUsd;
  batch.seconds += item.seconds;
  batch.longestSeconds = Math.max(batch.longestSeconds, item.seconds);
  for (const [key, calls] of Object.entries(item.models)) {
    const sum = batch.models[key];
    batch.models[key] = { ...addCalls(sum, calls), items: (sum?.items ?? 0) + 1 };
  }
}

/** How long a batch takes, and what keeps it from being done sooner. */
export interface TimeEstimate {
  seconds: number;
  boundBy: string;
}

/**
 * The slowest of all that bound a batch: its items and calls at once, its own rate, the limits of each model, its
 * longest item. People who are asked, other batches and retries are not foreseen.
 *
 * @param window items that are under way at once, those that wait for their turn included
 */
export function estimateTime(
  batch: BatchEstimate,
  { concurrency, ratePerMinute }: Pick<Limits, 'concurrency' | 'ratePerMinute'>,
  window: number,
  models: ModelsFile,
): TimeEstimate {
  const shares = Object.entries(batch.models);
  // GPUs are no model: what waits for them waits for a place there.
  const called = shares.filter(([key]) => findModel(models, key) !== undefined);
  const sum = (field: 'calls' | 'seconds'): number => called.reduce((all, [, share]) => all + share[field], 0);
  const atEnd = batch.seconds / Math.max(1, batch.items);
  const rate = (needed: number, perMinute: number | null | undefined, what: string): TimeEstimate[] =>
    perMinute
      ? [{ seconds: waitSeconds(needed, perMinute) + atEnd, boundBy: `${formatCount(perMinute)} ${what}` }]
      : [];
  const ofModels = shares.flatMap(([key, share]): TimeEstimate[] => {
    const limits = findModel(models, key)?.limits;
    if (limits === undefined) return [];
    const atOnce = limits.concurrency;
    return [
      ...rate(share.calls, limits.requests_per_minute, `requests a minute of ${key}`),
      ...rate(share.tokens, limits.tokens_per_minute, `tokens a minute of ${key}`),
      ...rate(share.images, limits.images_per_minute, `images a minute of ${key}`),
      ...(atOnce === null
        ? []
        : [{ seconds: share.seconds / atOnce, boundBy: `${formatCount(atOnce)} calls of ${key} at once` }]),
    ];
  });
  const all: TimeEstimate[] = [
    { seconds: batch.longestSeconds, boundBy: 'its longest item' },
    { seconds: batch.seconds / window, boundBy: `${formatCount(window)} items at once` },
    { seconds: sum('seconds') / concurrency, boundBy: `${formatCount(concurrency)} calls at once` },
    ...rate(sum('calls'), ratePerMinute, 'requests a minute of the batch'),
    ...ofModels,
  ];
  return all.reduce((slowest, one) => (one.seconds > slowest.seconds ? one : slowest));
}

/** Until the last of so many may begin: a minute's worth at once, then the next when that minute is over. */
function waitSeconds(needed: number, perMinute: number): number {
  return Math.max(0, Math.ceil(needed / perMinute - 1e-9) - 1) * 60;
}
