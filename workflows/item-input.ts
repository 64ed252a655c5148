import type { ItemInput } from '../activities/types.ts';
import type { BatchInput, BatchState } from '../domain/batch.ts';
import { isPlain } from '../domain/flow.ts';
import type { ItemRef } from '../domain/item.ts';
import { priorityKeyAt } from '../domain/priority.ts';

/** What a child is started with: the batch's options, and its limits as they are now. */
export function itemInputOf(
  { batchId, storeUri, mode, flow, spec }: BatchInput,
  state: BatchState,
  ref: ItemRef,
): ItemInput {
  const { ratePerMinute, concurrency, budgetUsd } = state.limits;
  const { retry, timeoutMs, itemTimeoutMs } = spec;
  const { limitsRevision } = state;
  const priority = priorityKeyAt(spec, Date.now());
  const gpuClass = spec.comfy?.gpuClass ?? 'any';
  const limits = { ratePerMinute, concurrency, budgetUsd, limitsRevision };
  const { project, interactive } = spec;
  const cache = spec.cache ?? !isPlain(flow);
  return {
    batchId,
    storeUri,
    mode,
    flow,
    ref,
    retry,
    timeoutMs,
    ...(itemTimeoutMs === undefined ? {} : { itemTimeoutMs }),
    priority,
    gpuClass,
    project,
    interactive,
    cache,
    ...limits,
  };
}
