import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure, type ApplicationFailure } from '@temporalio/common';
import { SluiceError } from '../domain/errors.ts';
import { outputStep, stepsOf } from '../domain/flow.ts';
import type { StagedItem } from '../domain/item.ts';
import type { ResultRow, Usage } from '../domain/result.ts';
import { surroundingsOf } from '../domain/surroundings.ts';
import { CallRefused } from '../providers/limiter/limiter.ts';
import { Attempt, rowOf } from './attempt.ts';
import { AttemptLog } from './attempt-log.ts';
import { toFailure } from './failure.ts';
import { overdue } from './item-time.ts';
import { PassedOver } from './model-health.ts';
import { PaidResults } from './paid-results.ts';
import { readItem } from './read-page.ts';
import { runStep } from './run-step.ts';
import { isShutdown } from './shutdown-signal.ts';
import { readScope } from './step-scope.ts';
import type { StepDeps, StepResult, StepWork } from './step-work.ts';
import { Turns } from './turns.ts';
import type { ItemInput, StepInput, StepOutcome } from './types.ts';

const heartbeatMs = 5_000;

/**
 * Makes the activity of a kind of step: reads the staged item and what earlier steps made, looks for what an
 * earlier attempt finished, does the `work`, heartbeats meanwhile, and maps what is thrown. Retries are
 * Temporal's; one call is one attempt.
 */
export function createStepActivity<Request>(
  deps: StepDeps,
  work: StepWork<Request>,
): (input: ItemInput | StepInput) => Promise<StepOutcome> {
  // Two attempts at one item can overlap when the first was given up for dead: the second waits and then finds
  // what the first one made.
  const turns = new Turns();
  const paid = new PaidResults<StepResult>();
  return (input) =>
    turns.take(`${input.storeUri} ${input.batchId} ${input.ref.id}`, () => runAttempt(deps, { work, paid }, input));
}

async function runAttempt<Request>(
  deps: StepDeps,
  tools: { work: StepWork<Request>; paid: PaidResults<StepResult> },
  given: ItemInput | StepInput,
): Promise<StepOutcome> {
  const { openStore, stopping } = deps;
  const log = new AttemptLog(activityInfo().heartbeatDetails);
  const heart = setInterval(() => {
    log.beat();
  }, heartbeatMs);
  const input = stepInputOf(given);
  let costUsd = (_usage: Usage): number => 0;
  try {
    costUsd = tools.work.costUsd?.(input) ?? costUsd;
    const store = openStore(input.storeUri);
    const item = itemFor(input, await readItem(store, input.ref));
    const signal = AbortSignal.any([cancellationSignal(), ...(stopping === undefined ? [] : [stopping])]);
    const scope = 'step' in given ? await readScope(store, input, item) : null;
    return await runStep(deps, tools, new Attempt({ input, store, item, log, signal, scope }, costUsd));
  } catch (error) {
    if (error instanceof CancelledFailure || (stopping?.aborted === true && error === stopping.reason)) throw error;
    if (error instanceof CallRefused) return { ...rowOf(input, log, costUsd), status: 'requeued' };
    const failure = failureOf(error, input, log, costUsd);
    // It would have been tried again: then it is not its own failure that ends it.
    if (failure.nonRetryable !== true && isCancelled()) {
      const message = 'The item was cancelled before it was done.';
      return { ...rowOf(input, log, costUsd), status: 'cancelled', error_code: 'CANCELLED', error_message: message };
    }
    throw failure;
  } finally {
    clearInterval(heart);
  }
}

/** An item of a flow of one step without templates comes as it is. */
function stepInputOf(input: ItemInput | StepInput): StepInput {
  if ('step' in input) return input;
  const [step] = stepsOf(input.flow);
  if (step === undefined) throw toFailure(new SluiceError('INTERNAL', `Flow ${input.flow.name} has no steps.`));
  const { provider, model: key } = input.ref;
  return {
    ...input,
    ...{ step, round: 0, made: {} },
    ...(step.uses === 'comfy' ? {} : { model: { key, provider } }),
    ...(input.itemTimeoutMs === undefined ? {} : { leftMs: input.itemTimeoutMs }),
  };
}

/** What people rejected is the flow's output: of the other steps what was made still holds. */
function itemFor({ flow, step }: StepInput, { again, ...item }: StagedItem): StagedItem {
  return again === undefined || outputStep(flow) !== step.id ? item : { ...item, again };
}

/** Decides between another attempt and the end, and tells Temporal when. */
function failureOf(
  error: unknown,
  input: StepInput,
  log: AttemptLog,
  costUsd: (usage: Usage) => number,
): ApplicationFailure {
  const thrown = error instanceof SluiceError ? error : new SluiceError('INTERNAL', messageOf(error), { cause: error });
  // Of the surroundings' failures the batch is to hear, and its items begin anew.
  const mayTryAgain = thrown.retryable && surroundingsOf(thrown.code) === null;
  const known = mayTryAgain ? (overdue({ input, log }) ?? thrown) : thrown;
  const rateLimited = known.code === 'RATE_LIMITED';
  const empty = known.code === 'NO_OUTPUT';
  const passedOver = error instanceof PassedOver;
  if (known.retryable && !passedOver) log.failed({ countsAgainstItem: !rateLimited, empty });
  const again = known.retryable && !passedOver && log.faults < input.retry.maxAttempts;
  const row: ResultRow = {
    ...rowOf(input, log, costUsd),
    status: 'failed',
    error_code: known.code,
    error_message: known.message,
  };
  // Asking for it another way helps at once; waiting does not.
  const nextRetryDelayMs = empty ? 100 : rateLimited ? (known.retryAfterMs ?? 1_000) : backoffMs(input, log.faults);
  return toFailure(known, { nonRetryable: !again, nextRetryDelayMs, details: [row] });
}

/** By whoever wants the item no more; a worker that shuts down only gives it to another one. */
function isCancelled(): boolean {
  const signal = cancellationSignal();
  return signal.aborted && !isShutdown(signal.reason);
}

/** initial, ×factor, … by the item's own failures: Temporal's attempt number counts rate limits too. */
function backoffMs({ retry }: ItemInput, faults: number): number {
  return Math.min(retry.initialMs * retry.factor ** Math.max(0, faults - 1), retry.maxMs);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
