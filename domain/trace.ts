/** A span of a workflow that has ended: what a workflow tells its worker of. */
export interface WorkflowSpan {
  name: string;
  /** Hex digits: 32, 16 and 16. */
  traceId: string;
  spanId: string;
  parentSpanId: string;
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  /** Code of what it failed with; null: it did not. */
  failure: string | null;
  attributes: Record<string, string>;
}

/** The header of Temporal's own interceptors for OpenTelemetry, so that others can use those: it holds a W3C carrier. */
export const traceHeader = '_tracer-data';

/** What a span tells of a failure: never its message, which may quote what a vendor answered. */
export function failureCode(error: unknown): string {
  if (!(error instanceof Error)) return 'INTERNAL';
  if (error.name === 'CancelledFailure') return 'CANCELLED';
  if ('type' in error && typeof error.type === 'string') return error.type;
  return error.cause instanceof Error ? failureCode(error.cause) : error.name;
}
