import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure, type ApplicationFailure } from '@temporalio/common';
import { SluiceError } from '../domain/errors.ts';
import type { StagedItem } from '../domain/item.ts';
import type { ItemOutcome, ResultRow, Usage } from '../domain/result.ts';
import { CallRefused } from '../providers/limiter/limiter.ts';
import type { Store } from '../storage/store.ts';
import { AttemptLog } from './attempt-log.ts';
import { toFailure } from './failure.ts';
import { readItem } from './read-page.ts';
import { isShutdown } from './shutdown-signal.ts';
import type { ItemInput } from './types.ts';

export interface AttemptDeps {
  openStore: (uri: string) => Store;
  /** Aborted, with the failure to give, when no more calls are to be made: the worker is stopping. */
  stopping?: AbortSignal | undefined;
}

/** One attempt at one item: what it works on, and how what it did is put into a row. */
export class Attempt {
  readonly input: ItemInput;
  readonly store: Store;
  readonly item: StagedItem;
  readonly log: AttemptLog;
  /** Aborted when the item is cancelled or the worker stops: nothing is to be begun any more. */
  readonly signal: AbortSignal;
  /** USD. */
  private readonly costUsd: (usage: Usage) => number;

  constructor(
    options: Pick<Attempt, 'input' | 'store' | 'item' | 'log' | 'signal'>,
    costUsd: (usage: Usage) => number,
  ) {
    ({ input: this.input, store: this.store, item: this.item, log: this.log, signal: this.signal } = options);
    this.costUsd = costUsd;
  }

  succeeded(outputPath: string): ResultRow {
    return { ...rowOf(this.input, this.log, this.costUsd), status: 'succeeded', output_path: outputPath };
  }
}

const heartbeatMs = 5_000;

/**
 * Makes an activity that works on one item: reads the staged item, runs `body`, heartbeats meanwhile, and
 * maps what `body` throws. Retries are Temporal's; `body` is one attempt.
 *
 * @param costUsd price of what the item's model used
 */
export function createItemActivity(
  deps: AttemptDeps,
  costUsd: (input: ItemInput) => (usage: Usage) => number,
  body: (attempt: Attempt) => Promise<ResultRow>,
): (input: ItemInput) => Promise<ItemOutcome> {
  const busy = new Map<string, Promise<unknown>>();
  return async (input) => {
    // Two attempts at one item can overlap when the first was given up for dead: the second waits and
    // then finds what the first one made.
    const key = `${input.storeUri} ${input.batchId} ${input.ref.id}`;
    const before = busy.get(key) ?? Promise.resolve();
    const attempt = before.then(() => runAttempt(deps, costUsd, body, input));
    const settled = attempt.then(
      () => undefined,
      () => undefined,
    );
    busy.set(key, settled);
    try {
      return await attempt;
    } finally {
      if (busy.get(key) === settled) busy.delete(key);
    }
  };
}

async function runAttempt(
  { openStore, stopping }: AttemptDeps,
  priceOf: (input: ItemInput) => (usage: Usage) => number,
  body: (attempt: Attempt) => Promise<ResultRow>,
  input: ItemInput,
): Promise<ItemOutcome> {
  const log = new AttemptLog(activityInfo().heartbeatDetails);
  const heart = setInterval(() => {
    log.beat();
  }, heartbeatMs);
  let costUsd = (_usage: Usage): number => 0;
  try {
    costUsd = priceOf(input);
    const store = openStore(input.storeUri);
    const item = await readItem(store, input.ref);
    const signal = AbortSignal.any([cancellationSignal(), ...(stopping === undefined ? [] : [stopping])]);
    return await body(new Attempt({ input, store, item, log, signal }, costUsd));
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

/** Decides between another attempt and the end, and tells Temporal when. */
function failureOf(
  error: unknown,
  input: ItemInput,
  log: AttemptLog,
  costUsd: (usage: Usage) => number,
): ApplicationFailure {
  const known = error instanceof SluiceError ? error : new SluiceError('INTERNAL', messageOf(error), { cause: error });
  const rateLimited = known.code === 'RATE_LIMITED';
  const empty = known.code === 'NO_OUTPUT';
  if (known.retryable) log.failed({ countsAgainstItem: !rateLimited, empty });
  const again = known.retryable && log.faults < input.retry.maxAttempts;
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

function rowOf({ ref }: ItemInput, log: AttemptLog, costUsd: (usage: Usage) => number): Omit<ResultRow, 'status'> {
  const { usage } = log;
  const now = Date.now();
  return {
    request_id: ref.id,
    index: ref.index,
    output_path: null,
    error_code: null,
    error_message: null,
    processing_time_seconds: Math.max(0, now - (log.firstTurnAtMs ?? now)) / 1000,
    model: ref.model,
    seed: ref.seed,
    input_hash: ref.hash,
    calls: log.calls,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    images: usage.images,
    ...(usage.videoSeconds === undefined ? {} : { video_seconds: usage.videoSeconds }),
    cost_usd: Number(costUsd(usage).toFixed(6)),
    finished_at: new Date(now).toISOString(),
  };
}
