import { createHash } from 'node:crypto';
import type { StepRecord } from '../domain/step-record.ts';
import type { CacheHit, NewEntry } from '../storage/result-cache.ts';
import type { Attempt } from './attempt.ts';
import type { StepDeps } from './step-work.ts';

/** What is kept of a result besides its file: parts of its record. */
type Made = Partial<Pick<StepRecord, 'text' | 'json' | 'facts'>>;

/** Where an attempt's result is looked for: the same kind, request and model, live or emulated, make the same. */
interface ReuseInput {
  attempt: Attempt;
  /** Everything the result depends on but the model; null: it may come to something else again. */
  request: object | null;
}

/** What of a request to compare with others: not where its image lies. One elsewhere may have changed since. */
export function comparable<Request extends { fromImage?: string; fromImageSha256?: string }>(
  request: Request,
): Omit<Request, 'fromImage'> | null {
  const { fromImage, ...same } = request;
  return fromImage === undefined || request.fromImageSha256 !== undefined ? same : null;
}

/**
 * A result of the same request that another batch has paid for; null where there is none, or the batch wants none.
 * The cache is a convenience: one that cannot be read costs a call, not an item.
 */
export async function findReusable({ cache }: Pick<StepDeps, 'cache'>, input: ReuseInput): Promise<CacheHit | null> {
  if (cache === undefined || input.request === null || input.attempt.input.cache !== true) return null;
  return cache.find(reuseKey(input)).catch(() => null);
}

/** Keeps a result for other batches, with where it came from. */
export async function keepReusable(
  { cache }: Pick<StepDeps, 'cache'>,
  input: ReuseInput,
  made: { facts: Made; file: NewEntry['file']; costUsd: number },
): Promise<void> {
  const { batchId, ref, step, model, cache: wanted } = input.attempt.input;
  if (cache === undefined || input.request === null || wanted !== true) return;
  const entry: NewEntry = {
    source: `${batchId}/${ref.id}/${step.id}`,
    model: model?.key ?? ref.model,
    made: made.facts,
    file: made.file,
    cost_usd: made.costUsd,
    made_at: new Date().toISOString(),
  };
  await cache.keep(reuseKey(input), entry).catch(() => undefined);
}

function reuseKey({ attempt: { input }, request }: ReuseInput): string {
  const { step, mode, model, ref } = input;
  // What a graph needs is in the graph; its item may be named after the model of another step.
  const by = step.uses === 'comfy' ? ['comfyui'] : [model?.provider ?? ref.provider, model?.key ?? ref.model];
  const key = [1, step.uses, mode, ...by, request];
  return createHash('sha256').update(JSON.stringify(key)).digest('hex');
}
