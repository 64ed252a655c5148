import { SluiceError } from '../domain/errors.ts';
import { findModel, type Model, type ModelsFile } from '../domain/models.ts';
import type { Usage } from '../domain/result.ts';
import { surroundingsOf } from '../domain/surroundings.ts';
import type { CallOptions } from '../providers/image-provider.ts';
import type { Limiter, Permit } from '../providers/limiter/limiter.ts';
import { ProviderError } from '../providers/provider-error.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptLog } from './attempt-log.ts';
import { batchLimiterKey, modelLimiterKey } from './limiter-keys.ts';
import { readItem } from './read-page.ts';
import { shutdownSignal } from './shutdown-signal.ts';
import type { StepDeps } from './step-work.ts';
import { requireRoom } from './store-paid.ts';
import type { StepInput } from './types.ts';

export interface CallModelDeps extends StepDeps {
  models: ModelsFile;
  limiter: Limiter;
}

interface ModelCall<Result> {
  model: Model;
  /** What the call is expected to use: reserved until it is known. */
  expected: Usage;
  call: (options: CallOptions) => Promise<Result>;
}

/** The model a step is to call. Throws UNKNOWN_MODEL when this worker does not know it as one of that kind. */
export function modelOf<Kind extends Model['kind']>(
  { models }: Pick<CallModelDeps, 'models'>,
  { model: called, ref }: StepInput,
  kind: Kind,
): Extract<Model, { kind: Kind }> {
  const key = called?.key ?? ref.model;
  const model = findModel(models, key);
  if (model?.kind === kind) return model as Extract<Model, { kind: Kind }>;
  throw new SluiceError('UNKNOWN_MODEL', `There is no ${kind} model ${key} in this worker's models.yaml.`);
}

/**
 * Makes one call of a model: waits for its turn at the limits of model and batch, calls, and settles what it
 * really took, also where it failed and was charged all the same.
 *
 * A call that is under way when the item is cancelled is heard out, because it is paid for. Only a worker
 * that shuts down gives it up.
 */
export async function callModel<Result extends { usage: Usage }>(
  { limiter }: CallModelDeps,
  { input, log, signal, store }: Attempt,
  { model, expected, call }: ModelCall<Result>,
): Promise<Result> {
  const { ref, mode, batchId, limitsRevision } = input;
  const { limits } = model;
  const modelKey = modelLimiterKey(mode, input.model ?? { key: ref.model, provider: ref.provider });
  const batchKey = batchLimiterKey(batchId);
  const permit = await limiter.acquire(
    [
      {
        key: modelKey,
        requestsPerMinute: limits.requests_per_minute,
        tokensPerMinute: limits.tokens_per_minute,
        imagesPerMinute: limits.images_per_minute,
        concurrency: limits.concurrency,
      },
      {
        key: batchKey,
        requestsPerMinute: input.ratePerMinute,
        concurrency: input.concurrency,
        revision: limitsRevision,
      },
    ],
    { tokens: expected.inputTokens + expected.outputTokens, images: expected.images },
    signal,
  );
  try {
    // Looked at when the turn has come, however long that took: what could not be stored is not paid for.
    await readItem(store, ref);
    await requireRoom(store);
    log.called();
    const result = await call({
      signal: shutdownSignal(),
      timeoutMs: input.timeoutMs,
      onSent: () => {
        permit.sent();
      },
    });
    settle(permit, log, result.usage);
    return result;
  } catch (error) {
    settle(permit, log, error instanceof ProviderError ? error.usage : undefined);
    if (error instanceof ProviderError && error.code === 'RATE_LIMITED') {
      limiter.slowDown(modelKey, error.retryAfterMs ?? 1_000);
    }
    if (error instanceof ProviderError && surroundingsOf(error.code) !== null && input.hasFallback !== true) {
      // The batch will pause for it; those that wait need not find out for themselves.
      limiter.refuse(batchKey, limitsRevision);
    }
    throw error;
  } finally {
    permit.release();
  }
}

function settle(permit: Permit, log: AttemptLog, usage: Usage | undefined): void {
  permit.settle({ tokens: (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0), images: usage?.images ?? 0 });
  log.charged(usage);
}
