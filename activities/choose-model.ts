import { findModel, type Model } from '../domain/models.ts';
import type { CallModelDeps } from './call-model.ts';
import { modelLimiterKey } from './limiter-keys.ts';
import type { ChooseModelInput, ModelRef } from './types.ts';

/**
 * The candidate with the most room under its limits, over all batches and workers; of equal ones the one with
 * fewer calls under way, then in the last minute, then the first.
 */
export function chooseModel(
  { models, limiter }: Pick<CallModelDeps, 'models' | 'limiter'>,
  { mode, candidates }: ChooseModelInput,
): ModelRef {
  const loads = candidates.map((candidate) => {
    const usage = limiter.usage(modelLimiterKey(mode, candidate));
    const { inFlight, requests } = usage;
    return { candidate, inFlight, requests, load: loadOf(findModel(models, candidate.key)?.limits, usage) };
  });
  loads.sort((a, b) => a.load - b.load || a.inFlight - b.inFlight || a.requests - b.requests);
  const [least] = loads;
  if (least === undefined) throw new Error('There is no model to choose from.');
  return least.candidate;
}

/** The fullest of a model's limits, 0 to 1; more than that where the vendor asked for a rest. */
function loadOf(
  limits: Model['limits'] | undefined,
  usage: { requests: number; tokens: number; images: number; inFlight: number; blockedForMs: number },
): number {
  if (usage.blockedForMs > 0) return 1 + usage.blockedForMs;
  const share = (taken: number, limit: number | null | undefined): number => (limit ? taken / limit : 0);
  return Math.max(
    share(usage.requests, limits?.requests_per_minute),
    share(usage.tokens, limits?.tokens_per_minute),
    share(usage.images, limits?.images_per_minute),
    share(usage.inFlight, limits?.concurrency),
  );
}
