import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';

/** gRPC code for a request that no server would take, such as an empty id. */
const invalidArgument = 3;

/**
 * gRPC codes for "nobody answers" (https://grpc.io/docs/guides/status-codes/). Besides DEADLINE_EXCEEDED and
 * UNAVAILABLE what a server says that is stopping, just starting, or has no worker: CANCELLED, UNKNOWN,
 * RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, INTERNAL.
 */
const unanswered = new Set([1, 2, 4, 8, 9, 10, 13, 14]);

/** Says in our words what Temporal's client throws about a batch. */
export function explain(error: unknown, batchId: string): Error {
  if (error instanceof SluiceError) return error;
  if (error instanceof WorkflowNotFoundError) {
    return notFound(batchId, error);
  }
  if (grpcCause(error, (code) => unanswered.has(code)) !== null) {
    return new SluiceError('ENGINE_UNAVAILABLE', 'The engine does not answer.', { cause: error });
  }
  const refused = grpcCause(error, (code) => code === invalidArgument);
  if (refused !== null) return new SluiceError('USAGE', `Temporal refused the request: ${refused}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

/** The engine knows no such batch. */
export function notFound(batchId: string, cause?: unknown): SluiceError {
  return new SluiceError('BATCH_NOT_FOUND', `There is no batch ${batchId} in this engine.`, { cause });
}

/** Details of the gRPC error behind an error, if its code is wanted. */
function grpcCause(error: unknown, wanted: (code: number) => boolean): string | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (isGrpcServiceError(at) && wanted(at.code)) return at.details;
  }
  return null;
}
