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
  /** Why it failed; null: it did not. */
  failure: string | null;
  attributes: Record<string, string>;
}
