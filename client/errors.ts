import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';

/** gRPC codes for "nobody answers" (https://grpc.io/docs/guides/status-codes/). */
const unanswered = new Set([4, 14]);

/** Says in our words what Temporal's client throws about a batch. */
export function explain(error: unknown, batchId: string): Error {
  if (error instanceof SluiceError) return error;
  if (error instanceof WorkflowNotFoundError) {
    return new SluiceError('BATCH_NOT_FOUND', `There is no batch ${batchId} in this engine.`, { cause: error });
  }
  if (isUnanswered(error)) {
    return new SluiceError('ENGINE_UNAVAILABLE', 'The engine does not answer.', { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}

function isUnanswered(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (isGrpcServiceError(at) && unanswered.has(at.code)) return true;
  }
  return false;
}
