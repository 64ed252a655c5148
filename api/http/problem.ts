import { HttpException } from '@nestjs/common';
import { z } from 'zod';
import { errorCatalog, SluiceError, type ErrorCode } from '../../domain/errors.ts';

/**
 * What a request that failed is answered with.
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export const problemSchema = z
  .strictObject({
    type: z.string().describe('Names the kind of problem: urn:sluice:error:<code>'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('One sentence on what went wrong.'),
    instance: z.string().describe('Path of the request.'),
    code: z.string().describe('The code of the error, as in docs/errors.md.'),
    action: z.string().describe('What to do about it.'),
    errors: z
      .array(z.strictObject({ field: z.string(), rule: z.string() }))
      .optional()
      .describe('All findings, where a request is not valid.'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problemSchema>;

/** What is wrong with a request, place by place: the cause of an error about it. */
export class Findings extends Error {
  readonly findings: readonly { field: string; rule: string }[];

  constructor(findings: readonly { field: string; rule: string }[]) {
    super('The request is not valid.');
    this.findings = findings;
  }
}

/** The one place that maps error codes to HTTP statuses; what is not named is a failure of ours, 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  USAGE: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  ROUTE_NOT_FOUND: 404,
  BATCH_NOT_FOUND: 404,
  ITEM_NOT_FOUND: 404,
  FILE_NOT_FOUND: 404,
  QUESTION_NOT_FOUND: 404,
  SCHEDULE_NOT_FOUND: 404,
  BATCH_NOT_RUNNING: 409,
  BATCH_RUNNING: 409,
  OUTPUT_IN_USE: 409,
  OUTPUT_EXISTS: 409,
  NOTHING_TO_RETRY: 409,
  QUESTION_ANSWERED: 409,
  SCHEDULE_EXISTS: 409,
  AUTH: 409,
  BODY_TOO_LARGE: 413,
  INVALID_INPUT: 422,
  INVALID_ANSWER: 422,
  INPUT_NOT_FOUND: 422,
  INPUT_UNREADABLE: 422,
  NO_VALID_REQUESTS: 422,
  UNKNOWN_FLOW: 422,
  FLOW_INVALID: 422,
  UNKNOWN_MODEL: 422,
  OUTPUT_NOT_WRITABLE: 422,
  INPUT_OUTSIDE: 422,
  OUTPUT_OUTSIDE: 422,
  HOST_NOT_ALLOWED: 422,
  IDEMPOTENCY_MISMATCH: 422,
  RATE_LIMITED: 429,
  TIMEOUT: 504,
  UNAVAILABLE: 502,
  ENGINE_UNAVAILABLE: 503,
  ENGINE_START_FAILED: 503,
  STORAGE_FULL: 507,
};

const mostFindings = 100;

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Not in this state',
  413: 'Too large',
  415: 'Unsupported content type',
  422: 'Cannot be processed',
  429: 'Too many requests',
  503: 'Not available',
  507: 'No space left',
};

function statusOf(code: ErrorCode): number {
  return statuses[code] ?? 500;
}

/** Says in our words what was thrown while a request was answered. What is no error of ours stays in the log. */
export function asSluiceError(error: unknown, path: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const status = httpStatus(error);
  if (status === 404) {
    return new SluiceError('ROUTE_NOT_FOUND', `There is nothing at ${path}.`, { cause: error });
  }
  const message = error instanceof Error ? error.message : '';
  if (status === 413) return new SluiceError('BODY_TOO_LARGE', 'The body is too large.', { cause: error });
  if (status === 429) return new SluiceError('RATE_LIMITED', 'Too many requests.', { action: 'Wait, then ask again.' });
  if (status >= 400 && status < 500) return new SluiceError('USAGE', message, { cause: error });
  return new SluiceError('INTERNAL', 'The request could not be answered.', { cause: error });
}

export function toProblem(error: SluiceError, path: string): Problem {
  const status = error.code === 'USAGE' ? clientStatus(error.cause) : statusOf(error.code);
  const findings = error.cause instanceof Findings ? error.cause.findings.slice(0, mostFindings) : [];
  return {
    type: `urn:sluice:error:${error.code}`,
    title: titles[status] ?? 'Failed',
    status,
    detail: error.message,
    instance: path,
    code: error.code,
    action: actionOf(error),
    ...(findings.length === 0 ? {} : { errors: findings }),
  };
}

function actionOf({ code, action }: SluiceError): string {
  const usual = errorCatalog[code].action;
  // A request is no batch that pauses, and no command.
  if (code === 'STORAGE_FULL' && action === usual) return 'Free disk space, then send the request again.';
  if (code === 'USAGE' && action === usual) return 'Correct the request; /api/docs says what it may hold.';
  return action || usual;
}

/** A request the server itself refused keeps its status, e.g. 415. */
function clientStatus(cause: unknown): number {
  const status = httpStatus(cause);
  return status >= 400 && status < 500 ? status : statusOf('USAGE');
}

function httpStatus(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  return error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
}
