import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { WorkflowSpan } from '../../domain/trace.ts';

/** Traces of a process, from its start to its end. */
export interface Tracing {
  /** Of clients: what they start is part of the trace they are called in. */
  clientInterceptors: WorkflowClientInterceptor[];
  /** Takes a span of a workflow that has ended. */
  record: (span: WorkflowSpan) => void;
  /** Where what runs now is in a trace, for lines of a log; empty where in none. */
  logFields: () => Record<string, string>;
  /** Sends what is left, for at most two seconds. */
  close: () => Promise<void>;
}

export interface TracingOptions {
  /** `service.name` where OTEL_SERVICE_NAME says nothing. */
  service: string;
  env: NodeJS.ProcessEnv;
  /** Told of what cannot be sent. */
  warn: (message: string) => void;
}
