import { isGrpcServiceError, isRetryableError, WorkflowNotFoundError } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';

/** What a server, or the way to it, answered instead of a result; `message` is code, name and details. */
type GrpcAnswer = Error & Parameters<typeof isRetryableError>[0];

/** gRPC status codes @see https://grpc.io/docs/guides/status-codes/ */
const grpc = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  failedPrecondition: 9,
  internal: 13,
  unavailable: 14,
} as const;

/** What Temporal says while no worker has taken up, or takes up, a workflow's tasks. */
const noWorkerYet = /no poller seen|not scheduled yet|at least one workflow task/i;

/** Says in our words what Temporal's client throws about a batch. */
export function explain(error: unknown, batchId: string): Error {
  if (error instanceof SluiceError) return error;
  if (error instanceof WorkflowNotFoundError) {
    return notFound(batchId, error);
  }
  const answer = grpcCause(error);
  if (answer === null) return error instanceof Error ? error : new Error(String(error));
  const code: number = answer.code;
  if (isUnanswered(answer)) {
    const silent = code === grpc.deadlineExceeded || code === grpc.unavailable;
    const reason = silent ? '' : ` (${answer.message})`;
    return new SluiceError('ENGINE_UNAVAILABLE', `The engine does not answer${reason}.`, { cause: error });
  }
  if (code === grpc.invalidArgument) {
    return new SluiceError('USAGE', `Temporal refused the request: ${answer.details}`, { cause: error });
  }
  return new SluiceError('INTERNAL', `Temporal answered ${answer.message}`, {
    action: 'Look at the server’s log, which sluice doctor names.',
    cause: error,
  });
}

/** The engine knows no such batch. */
export function notFound(batchId: string, cause?: unknown): SluiceError {
  return new SluiceError('BATCH_NOT_FOUND', `There is no batch ${batchId} in this engine.`, { cause });
}

/**
 * Whether the same question may well be answered a little later, because the server is starting, stopping
 * or overloaded, or has no worker. UNKNOWN and ABORTED are none of these: the frontend turns the loss of a
 * shard into UNAVAILABLE, and the client has already asked ten times.
 */
function isUnanswered(answer: GrpcAnswer): boolean {
  const code: number = answer.code;
  switch (code) {
    case grpc.deadlineExceeded:
    case grpc.unavailable:
      return true;
    // We never cancel a call whose error is looked at: a server that stops cancels what it has in hand.
    case grpc.cancelled:
      return true;
    // An answer that is too large for the client has this code too, and is no sign of load.
    case grpc.resourceExhausted:
      return !/larger than max/i.test(answer.details);
    case grpc.failedPrecondition:
      return noWorkerYet.test(answer.details);
    // A stream that was reset, told by the client from defects of all kinds.
    case grpc.internal:
      return isRetryableError(answer);
    default:
      return false;
  }
}

function grpcCause(error: unknown): GrpcAnswer | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (isGrpcServiceError(at)) return at;
  }
  return null;
}
