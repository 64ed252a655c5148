import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { WorkflowFailedError, WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { itemOutcomeSchema, type ItemOutcome } from '../domain/result.ts';
import type { AwaitItemInput } from './types.ts';

/**
 * Waits, however long, until a child that an earlier run of the batch started has ended. Returns its
 * row, or throws what it failed with; that somebody terminated it by hand is an answer, too.
 */
export async function awaitItem(client: WorkflowClient, input: AwaitItemInput): Promise<ItemOutcome> {
  const heart = setInterval(() => {
    heartbeat();
  }, 5_000);
  const signal = cancellationSignal();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
  try {
    const handle = client.getHandle(input.workflowId, input.runId === '' ? undefined : input.runId);
    const row: unknown = await Promise.race([client.withAbortSignal(signal, () => handle.result()), aborted]);
    return itemOutcomeSchema.parse(row);
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw failureOfChild(error.cause);
    if (error instanceof WorkflowNotFoundError) {
      throw ApplicationFailure.nonRetryable('The item is not known to the engine any more.', 'TERMINATED');
    }
    throw error;
  } finally {
    clearInterval(heart);
  }
}

function failureOfChild(cause: unknown): ApplicationFailure {
  if (cause instanceof ApplicationFailure) {
    const { message, type, details } = cause;
    return ApplicationFailure.create({ message, type: type ?? 'INTERNAL', details: details ?? [], nonRetryable: true });
  }
  if (cause instanceof CancelledFailure) return ApplicationFailure.nonRetryable(cause.message, 'CANCELLED');
  if (cause instanceof TerminatedFailure) {
    return ApplicationFailure.nonRetryable('The item was terminated by hand.', 'TERMINATED');
  }
  if (cause instanceof TimeoutFailure) return ApplicationFailure.nonRetryable(cause.message, 'TIMEOUT');
  return ApplicationFailure.nonRetryable(cause instanceof Error ? cause.message : String(cause), 'INTERNAL');
}
