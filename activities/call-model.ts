import { SluiceError } from '../domain/errors.ts';
import { costUsd, findModel, type Model, type ModelsFile } from '../domain/models.ts';
import type { Usage } from '../domain/result.ts';
import { surroundingsOf } from '../domain/surroundings.ts';
import type { CallOptions } from '../providers/image-provider.ts';
import type { Limiter } from '../providers/limiter/limiter.ts';
import type { CallEnd } from '../providers/limiter/pace.ts';
import type { Permit } from '../providers/limiter/permit.ts';
import { ProviderError } from '../providers/provider-error.ts';
import type { Ledger, Reservation } from '../storage/ledger/ledger.ts';
import type { Attempt } from './attempt.ts';
import { callTimeoutMs } from './item-time.ts';
import { batchLimiterKey, limiterKeysOf } from './limiter-keys.ts';
import { codeOf, providerCallOf, type CallOutcome } from './observer.ts';
import { readItem } from './read-page.ts';
import { reserveMoney, waitForMoney } from './reserve-money.ts';
import { shutdownSignal } from './shutdown-signal.ts';
import type { StepDeps } from './step-work.ts';
import { requireRoom } from './store-paid.ts';
import type { StepInput } from './types.ts';

export interface CallModelDeps extends StepDeps {
  models: ModelsFile;
  limiter: Limiter;
  ledger: Ledger;
}

interface CallResult extends Pick<CallOutcome, 'modelVersion' | 'responseId'> {
  usage: Usage;
}

interface ModelCall<Result> {
  model: Model;
  /** What the call is expected to use: reserved until it is known. */
  expected: Usage;
  call: (options: CallOptions) => Promise<Result>;
  /** Names what goes on at the vendor's after the call: it keeps its place among the calls under way. */
  goesOnAs?: (result: Result) => string;
}

/** The model a step is to call. Throws UNKNOWN_MODEL when this worker does not know it as one of that kind. */
export function modelOf<Kind extends Model['kind']>(
  { models }: Pick<CallModelDeps, 'models'>,
  input: StepInput,
  kind: Kind,
): Extract<Model, { kind: Kind }> {
  const key = keyOf(input);
  const model = findModel(models, key);
  if (model?.kind === kind) return model as Extract<Model, { kind: Kind }>;
  throw new SluiceError('UNKNOWN_MODEL', `There is no ${kind} model ${key} in this worker's models.yaml.`);
}

/**
 * Makes one call of a model: waits for its turn at the limits of model and batch, keeps what it is expected to
 * cost, calls, and settles what it really took, also where it failed and was charged all the same.
 *
 * A call that is under way when the item is cancelled is heard out, because it is paid for. Only a worker
 * that shuts down gives it up.
 */
export async function callModel<Result extends CallResult>(
  deps: CallModelDeps,
  attempt: Attempt,
  { model, expected, call, goesOnAs }: ModelCall<Result>,
): Promise<Result> {
  const { input, log } = attempt;
  const { kind, provider } = model;
  const observed = providerCallOf(input, { kind, provider, model: keyOf(input) });
  const waitingSince = performance.now();
  const timeoutMs = callTimeoutMs(attempt);
  const { permit, reservation } = await takeTurn(deps, attempt, model, expected);
  deps.observer?.turnTaken(observed, (performance.now() - waitingSince) / 1_000);
  const tellEnd = deps.observer?.callStarted(observed);
  let end: CallEnd | undefined;
  let outcome: CallOutcome = { code: null, usage: nothingUsed, costUsd: 0 };
  const settle = (usage: Usage = nothingUsed): void => {
    outcome = { ...outcome, usage, costUsd: costUsd(model, usage) };
    permit.settle(asCost(usage));
    reservation.settle({ costUsd: outcome.costUsd, usage });
    log.charged(usage);
  };
  try {
    log.called();
    const result = await call({
      signal: shutdownSignal(),
      timeoutMs,
      onSent: () => {
        permit.sent();
      },
    });
    settle(result.usage);
    const { modelVersion, responseId } = result;
    outcome = { ...outcome, modelVersion, responseId };
    end = 'succeeded';
    if (goesOnAs !== undefined) permit.hold(goesOnAs(result), end);
    return result;
  } catch (error) {
    settle(error instanceof ProviderError ? error.usage : undefined);
    outcome = { ...outcome, code: codeOf(error) };
    if (!(error instanceof ProviderError)) throw error;
    if (error.code === 'RATE_LIMITED') deps.limiter.slowDown(limiterKeysOf(input)[0], error.retryAfterMs ?? 1_000);
    if (overloads.has(error.code)) end = 'overloaded';
    if (surroundingsOf(error.code) !== null && input.hasFallback !== true) holdBack(deps, input);
    throw error;
  } finally {
    permit.release(end, callTokens + outcome.usage.outputTokens);
    tellEnd?.(outcome);
  }
}

/** What tells that a server has more to do than it bears. */
const overloads: ReadonlySet<string> = new Set(['RATE_LIMITED', 'UNAVAILABLE', 'TIMEOUT']);

/** What a call takes of a model's time apart from what it makes, as tokens that it could make meanwhile. */
const callTokens = 200;

const nothingUsed: Usage = { inputTokens: 0, outputTokens: 0, images: 0 };

/** Waits until limits and budgets let the call through, and looks at the surroundings once more. */
async function takeTurn(
  deps: CallModelDeps,
  attempt: Attempt,
  model: Model,
  expected: Usage,
): Promise<{ permit: Permit; reservation: Reservation }> {
  const { input, signal, store } = attempt;
  for (let look = 1; ; look += 1) {
    const permit = await acquire(deps, attempt, model, expected);
    try {
      // Looked at when the turn has come, however long that took: what could not be stored is not paid for.
      await readItem(store, input.ref);
      await requireRoom(store);
      const reservation = reserveMoney(deps.ledger, input, costUsd(model, expected), look);
      if (reservation !== null) return { permit, reservation };
    } catch (error) {
      permit.unused();
      if (error instanceof SluiceError && surroundingsOf(error.code) === 'budget') holdBack(deps, input);
      throw error;
    }
    permit.unused();
    await waitForMoney(signal);
  }
}

function acquire(
  { limiter }: CallModelDeps,
  { input, signal }: Attempt,
  { limits }: Model,
  expected: Usage,
): Promise<Permit> {
  const [modelKey, batchKey] = limiterKeysOf(input);
  return limiter.acquire(
    [
      {
        key: modelKey,
        requestsPerMinute: limits.requests_per_minute,
        tokensPerMinute: limits.tokens_per_minute,
        imagesPerMinute: limits.images_per_minute,
        concurrency: limits.concurrency,
        adaptive: true,
      },
      {
        key: batchKey,
        requestsPerMinute: input.ratePerMinute,
        concurrency: input.concurrency,
        revision: input.limitsRevision,
      },
    ],
    asCost(expected),
    signal,
    { priority: input.priority, project: input.project ?? 'default' },
  );
}

/** The batch will pause for it; those that wait need not find out for themselves. */
function holdBack({ limiter }: CallModelDeps, { batchId, limitsRevision }: StepInput): void {
  limiter.refuse(batchLimiterKey(batchId), limitsRevision);
}

/** Of models.yaml. */
function keyOf({ model, ref }: StepInput): string {
  return model?.key ?? ref.model;
}

function asCost({ inputTokens, outputTokens, images }: Usage): { tokens: number; images: number } {
  return { tokens: inputTokens + outputTokens, images };
}
