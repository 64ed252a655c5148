import type { ProviderMode } from '../domain/ids.ts';
import type { StepInput } from './types.ts';

/** Key of the limiter under which all calls of a batch are. */
export function batchLimiterKey(batchId: string): string {
  return `batch:${batchId}`;
}

/** A model's limits are shared by all batches; an emulated model is another one than the live one. */
export function modelLimiterKey(mode: ProviderMode, model: { provider: string; key: string }): string {
  return `model:${mode}:${model.provider}/${model.key}`;
}

/** Keys of a step's calls: of its model, and of its batch. */
export function limiterKeysOf({ batchId, mode, model, ref }: StepInput): [model: string, batch: string] {
  const called = model ?? { key: ref.model, provider: ref.provider };
  return [modelLimiterKey(mode, called), batchLimiterKey(batchId)];
}
